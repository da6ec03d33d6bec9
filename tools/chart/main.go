// Command chart renders charts/wangge for the committed sets of values, as
// helm template would, without the helm binary:
//
//	go -C tools/chart run . [-check]
//
// With -check nothing is written, and the exit code is 1 when a committed
// manifest differs from what would be.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
)

// sets maps each committed manifest to the values file it is rendered with;
// no file means the chart's defaults.
var sets = map[string]string{
	"sqlite.yaml":   "",
	"postgres.yaml": "values-postgres.yaml",
}

func main() {
	dir := flag.String("chart", filepath.Join("..", "..", "charts", "wangge"), "directory of the chart")
	check := flag.Bool("check", false, "compare instead of writing")
	flag.Parse()
	if err := run(*dir, *check); err != nil {
		fmt.Fprintln(os.Stderr, "chart:", err)
		os.Exit(1)
	}
}

func run(dir string, check bool) error {
	var stale []string
	for _, name := range slices.Sorted(maps.Keys(sets)) {
		want, err := renderSet(dir, sets[name])
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		file := filepath.Join(dir, "rendered", name)
		if !check {
			if err := os.WriteFile(file, want, 0o644); err != nil {
				return err
			}
			continue
		}
		if have, err := os.ReadFile(file); err != nil || !bytes.Equal(have, want) {
			stale = append(stale, file)
		}
	}
	if len(stale) > 0 {
		return fmt.Errorf("%s differ from the templates; run make chart", strings.Join(stale, ", "))
	}
	return nil
}

// renderSet renders the chart with one of its values files.
func renderSet(dir, valuesFile string) ([]byte, error) {
	var values map[string]any
	if valuesFile != "" {
		var err error
		if values, err = chartutil.ReadValuesFile(filepath.Join(dir, valuesFile)); err != nil {
			return nil, err
		}
	}
	return render(dir, values)
}

// render returns the manifests of the chart in dir for values laid over its
// defaults, in the order of their files. Values that the schema refuses are an
// error, and so is a template that uses a value nobody defines.
func render(dir string, values map[string]any) ([]byte, error) {
	c, err := loader.LoadDir(dir)
	if err != nil {
		return nil, err
	}
	release := chartutil.ReleaseOptions{Name: "wangge", Namespace: "wangge", Revision: 1, IsInstall: true}
	scope, err := chartutil.ToRenderValues(c, values, release, chartutil.DefaultCapabilities)
	if err != nil {
		return nil, err
	}
	files, err := engine.Engine{Strict: true}.Render(c, scope)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if text := strings.TrimSpace(files[name]); text != "" && strings.HasSuffix(name, ".yaml") {
			fmt.Fprintf(&out, "---\n# Source: %s\n%s\n", name, text)
		}
	}
	return out.Bytes(), nil
}
