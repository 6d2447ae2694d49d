// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"sync"

	cpb "github.com/google/osv-scalibr/binary/proto/config_go_proto"
	"github.com/google/osv-scalibr/extractor/filesystem"
	"github.com/google/osv-scalibr/extractor/filesystem/language/cpp/conanlock"
	"github.com/google/osv-scalibr/extractor/filesystem/language/dart/pubspec"
	"github.com/google/osv-scalibr/extractor/filesystem/language/dotnet/depsjson"
	"github.com/google/osv-scalibr/extractor/filesystem/language/dotnet/packagesconfig"
	"github.com/google/osv-scalibr/extractor/filesystem/language/dotnet/packageslockjson"
	"github.com/google/osv-scalibr/extractor/filesystem/language/elixir/mixlock"
	"github.com/google/osv-scalibr/extractor/filesystem/language/golang/gobinary"
	"github.com/google/osv-scalibr/extractor/filesystem/language/golang/gomod"
	"github.com/google/osv-scalibr/extractor/filesystem/language/haskell/stacklock"
	"github.com/google/osv-scalibr/extractor/filesystem/language/java/gradlelockfile"
	"github.com/google/osv-scalibr/extractor/filesystem/language/javascript/bunlock"
	"github.com/google/osv-scalibr/extractor/filesystem/language/javascript/packagelockjson"
	"github.com/google/osv-scalibr/extractor/filesystem/language/javascript/pnpmlock"
	"github.com/google/osv-scalibr/extractor/filesystem/language/javascript/yarnlock"
	"github.com/google/osv-scalibr/extractor/filesystem/language/php/composerlock"
	"github.com/google/osv-scalibr/extractor/filesystem/language/python/pdmlock"
	"github.com/google/osv-scalibr/extractor/filesystem/language/python/pipfilelock"
	"github.com/google/osv-scalibr/extractor/filesystem/language/python/poetrylock"
	"github.com/google/osv-scalibr/extractor/filesystem/language/python/pylock"
	"github.com/google/osv-scalibr/extractor/filesystem/language/python/requirements"
	"github.com/google/osv-scalibr/extractor/filesystem/language/python/uvlock"
	"github.com/google/osv-scalibr/extractor/filesystem/language/python/wheelegg"
	"github.com/google/osv-scalibr/extractor/filesystem/language/r/renvlock"
	"github.com/google/osv-scalibr/extractor/filesystem/language/ruby/gemfilelock"
	"github.com/google/osv-scalibr/extractor/filesystem/language/rust/cargoauditable"
	"github.com/google/osv-scalibr/extractor/filesystem/language/rust/cargolock"
	"github.com/google/osv-scalibr/extractor/filesystem/language/swift/packageresolved"
	"github.com/google/osv-scalibr/extractor/filesystem/language/swift/podfilelock"
	"github.com/google/osv-scalibr/extractor/filesystem/os/apk"
	"github.com/google/osv-scalibr/extractor/filesystem/os/dpkg"
	"github.com/google/osv-scalibr/extractor/filesystem/os/rpm"
	scalibrlog "github.com/google/osv-scalibr/log"
	scalibrplugin "github.com/google/osv-scalibr/plugin"
)

// constructors are the extractors that are linked in; the list says what a run
// can find. Extractors that read what a program would resolve later (package.json,
// setup.py, pom.xml) are left out: their versions are wishes, not facts.
var constructors = []func(*cpb.PluginConfig) (filesystem.Extractor, error){
	dpkg.New, apk.New, rpm.New,
	packagelockjson.New, yarnlock.New, pnpmlock.New, bunlock.New,
	wheelegg.New, requirements.New, poetrylock.New, pipfilelock.New, pdmlock.New, uvlock.New, pylock.New,
	gobinary.New, gomod.New,
	cargolock.New, cargoauditable.New,
	gemfilelock.New, composerlock.New,
	newJar, gradlelockfile.New,
	packageslockjson.New, packagesconfig.New, depsjson.New,
	pubspec.New, mixlock.New, conanlock.New, renvlock.New, stacklock.New,
	packageresolved.New, podfilelock.New,
}

// programs are the extractors that open executables.
var programs = map[string]bool{gobinary.Name: true, cargoauditable.Name: true, jarName: true}

// databases are the extractors of OS packages; when one fails, that is a problem
// of the run and not one bad file among many.
var databases = map[string]bool{dpkg.Name: true, apk.Name: true, rpm.Name: true}

var loadExtractors = sync.OnceValues(func() ([]filesystem.Extractor, error) {
	cfg := &cpb.PluginConfig{}
	offline := &scalibrplugin.Capabilities{OS: scalibrplugin.OSLinux, Network: scalibrplugin.NetworkOffline, DirectFS: true}
	var list []filesystem.Extractor
	for _, construct := range constructors {
		e, err := construct(cfg)
		if err != nil {
			return nil, err
		}
		if scalibrplugin.ValidateRequirements(e, offline) == nil {
			list = append(list, e)
		}
	}
	return list, nil
})

// silent drops the library's own log lines: what matters of them is in the
// errors and becomes a limit or a problem of the run.
type silent struct{}

func (silent) Errorf(string, ...any) {}
func (silent) Error(...any)          {}
func (silent) Warnf(string, ...any)  {}
func (silent) Warn(...any)           {}
func (silent) Infof(string, ...any)  {}
func (silent) Info(...any)           {}
func (silent) Debugf(string, ...any) {}
func (silent) Debug(...any)          {}

var quiet = sync.OnceFunc(func() { scalibrlog.SetLogger(silent{}) })
