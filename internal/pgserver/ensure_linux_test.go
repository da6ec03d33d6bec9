package pgserver

import (
	"os"
	"path/filepath"
	"testing"
)

func TestTheFirstNewEnoughInPathElseTheNewestPackagedIsTaken(t *testing.T) {
	root := t.TempDir()
	programs := func(name, version string) string {
		dir := filepath.Join(root, name, "bin")
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		for _, program := range []string{"initdb", "postgres"} {
			script := "#!/bin/sh\necho '" + program + " (PostgreSQL) " + version + "'\n"
			if err := os.WriteFile(filepath.Join(dir, program), []byte(script), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		return dir
	}
	old, fifteen := programs("path/old", "14.9"), programs("path/fifteen", "15.20 (Debian 15.20-0+deb12u1)")
	clientOnly := programs("path/client", "18.0")
	if err := os.Remove(filepath.Join(clientOnly, "postgres")); err != nil {
		t.Fatal(err)
	}
	programs("packaged/9", "9.6.24")
	seventeen := programs("packaged/17", "17.2")
	programs("packaged/16", "16.6")
	links := filepath.Join(root, "links")
	if err := os.Mkdir(links, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, program := range []string{"initdb", "postgres"} {
		if err := os.Symlink(filepath.Join(seventeen, program), filepath.Join(links, program)); err != nil {
			t.Fatal(err)
		}
	}
	packaged, none := filepath.Join(root, "packaged/*/bin"), filepath.Join(root, "none/*/bin")
	for _, c := range []struct {
		name, path, pattern, want string
	}{
		{"PATH goes before the packages", fifteen, packaged, fifteen},
		{"one that is too old is passed over", old + ":" + fifteen, none, fifteen},
		{"a client without a server is passed over", clientOnly, packaged, seventeen},
		{"links in PATH lead to where all programs are", links, none, seventeen},
		{"the newest package", "", packaged, seventeen},
		{"a relative folder is not trusted", "." + ":" + old, none, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, found := find(t.Context(), c.path, c.pattern)
			if dir != c.want || found != (c.want != "") {
				t.Errorf("got %q (%v), want %q", dir, found, c.want)
			}
		})
	}
}

func TestTheSettingThatKeepsTheMainClusterAwayIsTakenBack(t *testing.T) {
	for _, c := range []struct{ name, had string }{
		{"nothing was installed", ""},
		{"other settings are there", "createcluster.d/site.conf"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "postgresql-common")
			if c.had != "" {
				if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, c.had)), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(dir, c.had), nil, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			undo, err := withoutMainCluster(dir)
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(dir, "createcluster.d", "wangge-pgserver.conf")
			if text, err := os.ReadFile(file); string(text) != "create_main_cluster = false\n" {
				t.Errorf("got %q (%v), want the cluster refused", text, err)
			}
			if err := undo(); err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(file); !os.IsNotExist(err) {
				t.Errorf("the setting: got %v, want it gone", err)
			}
			if _, err := os.Stat(filepath.Join(dir, c.had)); (err == nil) != (c.had != "") {
				t.Errorf("what was there before: got %v", err)
			}
		})
	}
}
