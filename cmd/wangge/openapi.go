package main

import "wangge/cmd/wangge/app"

type openAPICommand struct{}

// Run prints the API document.
func (openAPICommand) Run(s streams) error {
	document, err := app.Document()
	if err != nil {
		return err
	}
	body, err := document.JSON()
	if err != nil {
		return err
	}
	_, err = s.out.Write(body)
	return err
}
