// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package remediate

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/gyre-ctem/gyre"
)

// osManagers maps OSV ecosystem families to the package manager of the system.
var osManagers = map[string]string{
	"Debian": "apt", "Ubuntu": "apt", "Echo": "apt",
	"Alpine": "apk", "Wolfi": "apk", "Chainguard": "apk", "Alpaquita": "apk", "MinimOS": "apk", "BellSoft Hardened Containers": "apk",
	"Red Hat": "dnf", "Rocky Linux": "dnf", "AlmaLinux": "dnf", "Fedora": "dnf", "Amazon Linux": "dnf", "Azure Linux": "dnf",
	"Mageia": "dnf", "openEuler": "dnf", "Photon OS": "tdnf",
	"SUSE": "zypper", "openSUSE": "zypper",
}

func isOS(ecosystem string) bool { return osManagers[family(ecosystem)] != "" }

// platform is how people call an ecosystem: "Debian:12" → "Debian 12".
func platform(ecosystem string) string {
	name, release, ok := strings.Cut(ecosystem, ":")
	if !ok {
		if name == "" {
			return "any"
		}
		return clean(name)
	}
	return clean(name + " " + strings.ReplaceAll(release, ":", " "))
}

func (p *place) step(s site, pkg string) gyre.Step {
	st := gyre.Step{
		Platform: platform(s.ecosystem),
		Text:     "Upgrade " + clean(pkg) + p.from() + " to " + clean(p.target) + " or later" + inFolder(s) + ".",
		Assets:   slices.Sorted(maps.Keys(p.assets)),
	}
	if isOS(s.ecosystem) {
		p.osStep(s, &st)
	} else {
		p.languageStep(s, pkg, &st)
	}
	if s.image {
		st.Platform += " image"
		st.Text += " Rebuild the image from an updated base, then redeploy what runs it; a change inside a running container is lost."
		if !isOS(s.ecosystem) {
			st.Commands = append(st.Commands, "docker build --pull --no-cache -t IMAGE:TAG .")
		}
	}
	return st
}

func (p *place) from() string {
	if len(p.current) != 1 {
		return ""
	}
	return " from " + clean(slices.Collect(maps.Keys(p.current))[0])
}

func inFolder(s site) string {
	if s.folder == "" || s.folder == "." {
		return ""
	}
	return " in " + clean(s.folder)
}

// osStep names the newest version of the distribution's archive rather than
// pinning the fixed one: archives keep the newest only, so a pinned version stops being
// installable with the next update. The last command shows whether it worked.
func (p *place) osStep(s site, st *gyre.Step) {
	pkgs := slices.Sorted(maps.Keys(p.packages))
	args := quoteAll(pkgs)
	var install, verify string
	switch osManagers[family(s.ecosystem)] {
	case "apt":
		install, verify = "apt-get update && apt-get install --only-upgrade -y "+args, "dpkg-query -W "+args
	case "apk":
		install, verify = "apk update && apk upgrade "+args, "apk info -v | grep -E '^("+grepNames(pkgs)+")-[0-9]'"
	case "zypper":
		install, verify = "zypper refresh && zypper update -y "+args, "rpm -q "+args
	case "tdnf":
		install, verify = "tdnf update -y "+args, "rpm -q "+args
	default:
		install, verify = "dnf upgrade -y --refresh "+args, "rpm -q "+args
	}
	if s.image {
		st.Config = "RUN " + install
		st.Commands = []string{"docker build --pull --no-cache -t IMAGE:TAG ."}
		return
	}
	st.Commands = []string{install, verify}
	st.Text += " Then restart what uses it."
}

func (p *place) languageStep(s site, pkg string, st *gyre.Step) {
	q, v := quote, strings.TrimPrefix(p.target, "v")
	var cmds []string
	switch family(s.ecosystem) {
	case "npm":
		switch s.file {
		case "yarn.lock":
			cmds = []string{"yarn upgrade " + q(pkg+"@^"+v)}
			st.Config = "// package.json, if only a dependency of yours uses it:\n" + jsonMember("resolutions", pkg, v)
		case "pnpm-lock.yaml":
			cmds = []string{"pnpm update " + q(pkg+"@^"+v)}
			st.Config = "// package.json, if only a dependency of yours uses it:\n" + jsonMember("pnpm.overrides", pkg, v)
		default:
			cmds = []string{"npm install " + q(pkg+"@"+v)}
			st.Config = "// package.json, if only a dependency of yours uses it (then run npm install):\n" + jsonMember("overrides", pkg, v)
		}
	case "PyPI":
		switch s.file {
		case "poetry.lock":
			cmds = []string{"poetry add " + q(pkg+">="+v), "poetry lock"}
		case "Pipfile.lock":
			cmds = []string{"pipenv upgrade " + q(pkg+">="+v)}
		case "uv.lock":
			cmds = []string{"uv lock --upgrade-package " + q(pkg+">="+v), "uv sync"}
		case "pdm.lock":
			cmds = []string{"pdm update " + q(pkg)}
		case "METADATA", "PKG-INFO":
			cmds = []string{"python3 -m pip install --upgrade " + q(pkg+">="+v)}
			s.folder = ""
		default:
			st.Config = "# " + clean(s.file) + "\n" + clean(pkg) + ">=" + clean(v)
			cmds = []string{"python3 -m pip install --upgrade " + q(pkg+">="+v)}
		}
	case "Go":
		p.goStep(&s, pkg, v, st, &cmds)
	case "crates.io":
		cmds = []string{"cargo update -p " + q(pkg) + " --precise " + q(v)}
		if s.file != "Cargo.lock" {
			st.Text += " Then build and deploy the program anew."
		}
	case "RubyGems":
		st.Config = "# Gemfile\ngem " + rubyString(pkg) + ", " + rubyString(">= "+v)
		cmds = []string{"bundle update --conservative " + q(pkg)}
	case "Packagist":
		cmds = []string{"composer require --with-all-dependencies " + q(pkg+":^"+v)}
	case "Maven":
		st.Config = mavenConfig(s.file, pkg, v)
		st.Text += " Then build and deploy anew."
	case "NuGet":
		cmds = []string{"dotnet add package " + q(pkg) + " --version " + q(v)}
	case "Pub":
		cmds = []string{"dart pub upgrade " + q(pkg)}
	case "Hex":
		cmds = []string{"mix deps.update " + q(pkg)}
	case "GitHub Actions":
		st.Config = "uses: " + clean(pkg) + "@v" + clean(v)
	default:
		st.Text += " Use the package manager that installed it."
	}
	if s.folder != "" && s.folder != "." && len(cmds) > 0 {
		cmds = append([]string{"cd " + q(s.folder)}, cmds...)
	}
	st.Commands = cmds
}

func (p *place) goStep(s *site, pkg, v string, st *gyre.Step, cmds *[]string) {
	switch {
	case pkg == "stdlib" || pkg == "toolchain":
		*cmds = []string{"go get go@" + quote(v), "go build ./..."}
		st.Text = "Build with Go " + clean(v) + " or later" + inFolder(*s) + ", then deploy anew."
	default:
		*cmds = []string{"go get " + quote(pkg+"@v"+v), "go mod tidy", "go build ./..."}
	}
	if s.file != "go.mod" && s.file != "go.sum" && s.file != "" {
		// The package is compiled into a program: there is no go.mod in its folder.
		st.Text = strings.TrimSuffix(st.Text, ".") + ". It is compiled into the program " + clean(s.file) +
			": run this in the program's source, then deploy it anew, or install the maker's newer release."
		s.folder = ""
	}
}

// removal is how an OS package is removed; "" for others.
func removal(fam string, pkgs []string) string {
	args := quoteAll(pkgs)
	switch osManagers[fam] {
	case "apt":
		return "apt-get remove " + args
	case "apk":
		return "apk del " + args
	case "dnf", "tdnf":
		return osManagers[fam] + " remove " + args
	case "zypper":
		return "zypper remove " + args
	}
	return ""
}

func jsonMember(member, key, version string) string {
	return jsonString(member) + ": {" + jsonString(key) + ": " + jsonString("^"+version) + "}"
}

func jsonString(s string) string {
	b, err := json.Marshal(clean(s))
	if err != nil {
		return `""` // cannot happen: clean leaves valid UTF-8
	}
	return string(b)
}
