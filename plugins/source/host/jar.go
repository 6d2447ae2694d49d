// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"archive/zip"
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	cpb "github.com/google/osv-scalibr/binary/proto/config_go_proto"
	"github.com/google/osv-scalibr/extractor"
	"github.com/google/osv-scalibr/extractor/filesystem"
	archivemeta "github.com/google/osv-scalibr/extractor/filesystem/language/java/archive/metadata"
	"github.com/google/osv-scalibr/inventory"
	scalibrplugin "github.com/google/osv-scalibr/plugin"
	"github.com/google/osv-scalibr/purl"
)

const (
	jarName     = "java/jar"
	maxJarDepth = 3
	maxJarFiles = 200_000
	maxNested   = 128 << 20 // one archive within another
	maxJarBytes = 512 << 20 // everything opened for one file
)

// jar finds the Maven artifacts that Java archives say they hold
// (META-INF/maven/*/*/pom.properties), also in archives within archives. The
// library's own extractor is not used because it links a client of a web service.
type jar struct{}

func newJar(*cpb.PluginConfig) (filesystem.Extractor, error) { return jar{}, nil }

func (jar) Name() string                              { return jarName }
func (jar) Version() int                              { return 1 }
func (jar) Requirements() *scalibrplugin.Capabilities { return &scalibrplugin.Capabilities{} }

func isJar(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".jar", ".war", ".ear", ".hpi", ".jpi":
		return true
	}
	return false
}

func (jar) FileRequired(api filesystem.FileAPI) bool { return isJar(api.Path()) }

func (jar) Extract(ctx context.Context, in *filesystem.ScanInput) (inventory.Inventory, error) {
	at, ok := in.Reader.(io.ReaderAt)
	if !ok {
		return inventory.Inventory{}, errors.New("file does not allow random access")
	}
	w := jarWalk{ctx: ctx, seen: map[string]bool{}, left: maxJarBytes}
	if err := w.walk(at, in.Info.Size(), 1); err != nil {
		return inventory.Inventory{}, err
	}
	for _, p := range w.found {
		p.Location = extractor.LocationFromPath(in.Path)
	}
	return inventory.Inventory{Packages: w.found}, nil
}

type jarWalk struct {
	ctx   context.Context // one walk lives in one call
	seen  map[string]bool
	left  int64
	found []*extractor.Package
}

func (w *jarWalk) walk(r io.ReaderAt, size int64, depth int) error {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return fmt.Errorf("open archive: %w", err)
	}
	if len(z.File) > maxJarFiles {
		return fmt.Errorf("archive has %d files", len(z.File))
	}
	for _, f := range z.File {
		if err := w.ctx.Err(); err != nil {
			return err
		}
		properties := strings.HasPrefix(f.Name, "META-INF/maven/") && path.Base(f.Name) == "pom.properties"
		if !properties && (!isJar(f.Name) || depth >= maxJarDepth) {
			continue
		}
		b, err := w.read(f)
		if err != nil {
			continue // one bad member says nothing about the others
		}
		if properties {
			w.add(b)
		} else {
			_ = w.walk(bytes.NewReader(b), int64(len(b)), depth+1)
		}
	}
	return nil
}

func (w *jarWalk) read(f *zip.File) ([]byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	bound := min(maxNested, w.left)
	b, err := io.ReadAll(io.LimitReader(r, bound+1))
	w.left -= int64(len(b))
	if err == nil && int64(len(b)) > bound {
		err = errTooLarge
	}
	return b, err
}

func (w *jarWalk) add(properties []byte) {
	m := map[string]string{}
	lines := bufio.NewScanner(bytes.NewReader(properties))
	for lines.Scan() {
		if k, v, ok := strings.Cut(lines.Text(), "="); ok {
			m[strings.TrimSpace(k)] = strings.TrimSpace(v)
		}
	}
	group, artifact, version := m["groupId"], m["artifactId"], m["version"]
	key := group + ":" + artifact + ":" + version
	if group == "" || artifact == "" || version == "" || w.seen[key] {
		return
	}
	w.seen[key] = true
	w.found = append(w.found, &extractor.Package{
		Name: group + ":" + artifact, Version: version, PURLType: purl.TypeMaven,
		Metadata: &archivemeta.Metadata{GroupID: group, ArtifactID: artifact},
	})
}
