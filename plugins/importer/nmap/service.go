// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package nmap

import (
	"encoding/xml"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
	"github.com/gyre-ctem/gyre/plugin/document"
)

const (
	maxScripts      = 40 // of one port
	maxScriptOutput = 1 << 10
	maxFindings     = 2000 // of one port
)

// service is an open port.
type service struct {
	transport string
	port      int
	probed    bool
	data      map[string]any
	tls       map[string]any
	product   string // with its version, for titles
	findings  []gyre.Finding
}

func (s *service) locus() string { return s.transport + "/" + strconv.Itoa(s.port) }

// protocols maps nmap's service names to the names that checks know.
var protocols = map[string]string{
	"ssh": "ssh", "http": "http", "http-proxy": "http", "http-alt": "http", "https": "https", "redis": "redis", "ftp": "ftp",
	"smtp": "smtp", "submission": "smtp", "domain": "dns", "elasticsearch": "elasticsearch", "docker": "docker",
	"mongod": "mongodb", "mongodb": "mongodb", "memcached": "memcached", "memcache": "memcached", "mysql": "mysql",
	"postgresql": "postgresql", "telnet": "telnet", "vnc": "vnc", "etcd": "etcd", "kubelet": "kubelet", "imap": "imap",
	"imaps": "imap", "pop3": "pop3", "pop3s": "pop3", "ldap": "ldap", "ldaps": "ldap",
}

func (s *service) read(x *document.XML, el xml.StartElement) error {
	name := document.Attr(el, "name")
	// A name out of the port table ("table") is what usually listens there, not
	// what does.
	s.probed = document.Attr(el, "method") == "probed"
	if !s.probed {
		return nil
	}
	product := document.Line(document.Attr(el, "product"), 200)
	version := document.Line(document.Attr(el, "version"), 100)
	s.product = strings.TrimSpace(product + " " + version)
	protocol := protocols[name]
	switch {
	case strings.HasPrefix(product, "Elasticsearch"):
		protocol = "elasticsearch"
	case strings.HasPrefix(product, "Docker"):
		protocol = "docker"
	case strings.HasPrefix(product, "etcd"):
		protocol = "etcd"
	case protocol == "":
		protocol = "unknown"
	}
	tls := document.Attr(el, "tunnel") == "ssl"
	if protocol == "http" && tls {
		protocol = "https"
	}
	s.data["protocol"] = protocol
	s.data["tls"] = tls
	for key, value := range map[string]string{
		"product": product, "version": version, "service_name": document.Line(name, 100),
		"extra_info": document.Line(document.Attr(el, "extrainfo"), 200), "device": document.Line(document.Attr(el, "devicetype"), 100),
	} {
		if value != "" {
			s.data[key] = value
		}
	}
	if protocol == "ssh" && strings.Contains(document.Attr(el, "extrainfo"), "protocol 2.0") {
		s.data["ssh_protocol"] = "2.0"
	}
	var cpes []any
	err := x.Children(func(el xml.StartElement) error {
		if el.Name.Local != "cpe" {
			return nil
		}
		cpe, err := x.Text()
		if err == nil && len(cpes) < 10 {
			cpes = append(cpes, document.Line(cpe, 200))
		}
		return err
	})
	if len(cpes) > 0 {
		s.data["cpes"] = cpes
	}
	return err
}

func (s *service) emit(out *plugin.Batcher, ref gyre.Ref) error {
	if err := out.Fact(gyre.Fact{Asset: ref, Aspect: gyre.AspectService, Locus: s.locus(), Data: s.data}); err != nil {
		return err
	}
	if s.tls != nil {
		if err := out.Fact(gyre.Fact{Asset: ref, Aspect: gyre.AspectTLS, Locus: s.locus(), Data: s.tls}); err != nil {
			return err
		}
	}
	for _, f := range s.findings {
		f.Asset = ref
		if err := out.Finding(f); err != nil {
			return err
		}
	}
	return nil
}

// script takes what one NSE script says: its output as part of the service, and from
// those that are known, what they show.
func (s *service) script(x *document.XML, el xml.StartElement) error {
	id := document.Line(document.Attr(el, "id"), 100)
	output := document.Attr(el, "output")
	scripts, _ := s.data["scripts"].(map[string]any)
	if scripts == nil {
		scripts = map[string]any{}
		s.data["scripts"] = scripts
	}
	if len(scripts) < maxScripts {
		scripts[id] = document.Lines(output, maxScriptOutput)
	}
	switch id {
	case "vulners":
		s.vulners(output)
	case "ftp-anon":
		if strings.Contains(output, "Anonymous FTP login allowed") {
			s.data["anonymous"] = true
		}
	case "redis-info":
		switch {
		case strings.Contains(strings.ToLower(output), "auth"):
			s.data["auth_required"] = true
		case strings.Contains(output, "Version"):
			s.data["auth_required"] = false
		}
	}
	vulns := map[string]*vuln{}
	var order []string
	err := values(x, nil, func(path []string, value string) {
		switch {
		case id == "ssl-cert":
			s.certificate(path, value)
		case len(path) >= 2 && len(vulns) < 100:
			v := vulns[path[0]]
			if v == nil {
				v = &vuln{}
				vulns[path[0]] = v
				order = append(order, path[0])
			}
			v.take(path[1:], value)
		}
	})
	for _, key := range order {
		s.vulnerable(id, key, vulns[key])
	}
	return err
}

// values walks the tables of a script's structured output.
func values(x *document.XML, path []string, f func(path []string, value string)) error {
	return x.Children(func(el xml.StartElement) error {
		at := append(slices.Clip(path), document.Line(document.Attr(el, "key"), 100))
		switch el.Name.Local {
		case "table":
			return values(x, at, f)
		case "elem":
			text, err := x.Text()
			if err == nil {
				f(at, text)
			}
			return err
		}
		return nil
	})
}

var vulnersLine = regexp.MustCompile(`(?m)^\s*(CVE-\d{4}-\d{4,7})\s+(\d{1,2}(?:\.\d)?)\s`)

// vulners lists the CVEs that its database knows for the version. They are as
// sure as the version is: distributions fix without changing it.
func (s *service) vulners(output string) {
	seen := map[string]bool{}
	for _, m := range vulnersLine.FindAllStringSubmatch(output+"\n", maxFindings) {
		score, err := strconv.ParseFloat(m[2], 64)
		if err != nil || score > 10 || seen[m[1]] {
			continue
		}
		seen[m[1]] = true
		s.add(gyre.Weakness{
			Key: m[1], Class: gyre.Vulnerability, Title: m[1] + in(s.product), CVSSScore: score,
			Severity: gyre.SeverityOfCVSS(score), References: []string{"https://nvd.nist.gov/vuln/detail/" + m[1]},
		}, "vulners: the version "+s.product+" is listed as affected; a distribution may have fixed it without changing the version")
	}
}

// vuln is one entry of the vulns library (https://nmap.org/nsedoc/lib/vulns.html).
type vuln struct{ title, state, description, cve string }

func (v *vuln) take(path []string, value string) {
	switch {
	case len(path) == 1 && path[0] == "title":
		v.title = document.Line(value, 200)
	case len(path) == 1 && path[0] == "state":
		v.state = strings.ToUpper(value)
	case path[0] == "description" && v.description == "":
		v.description = document.Lines(value, 2000)
	case path[0] == "ids" && v.cve == "" && strings.HasPrefix(value, "CVE:"):
		v.cve = document.Line(strings.TrimPrefix(value, "CVE:"), 40)
	}
}

func (s *service) vulnerable(script, key string, v *vuln) {
	if !strings.HasPrefix(v.state, "VULNERABLE") && !strings.HasPrefix(v.state, "LIKELY VULNERABLE") {
		return
	}
	w := gyre.Weakness{
		Key: v.cve, Class: gyre.Vulnerability, Title: v.title, Description: v.description,
		// The library gives no score. Its scripts test for exploitable holes.
		Severity: gyre.SeverityHigh,
	}
	if w.Key == "" {
		w.Key = "nmap:" + script
	}
	if w.Title == "" {
		w.Title = key
	}
	if w.Title == "" {
		w.Title = w.Key
	}
	s.add(w, script+" says "+document.Line(v.state, 100))
}

func (s *service) add(w gyre.Weakness, summary string) {
	if len(s.findings) == maxFindings {
		return
	}
	s.findings = append(s.findings, gyre.Finding{
		Weakness: w, Aspect: gyre.AspectService, Locus: s.locus(), Severity: w.Severity,
		Evidence: gyre.Evidence{Summary: summary},
		Remedy:   gyre.Remedy{Kind: gyre.RemedyText, Text: "Upgrade" + strings.TrimPrefix(in(s.product), " in") + " to a version without " + w.Key + "."},
	})
}

func in(product string) string {
	if product == "" {
		return ""
	}
	return " in " + product
}

// certificate takes one value of ssl-cert.
func (s *service) certificate(path []string, value string) {
	if s.tls == nil {
		s.tls = map[string]any{}
	}
	value = document.Line(value, 300)
	switch strings.Join(path, "/") {
	case "subject/commonName":
		s.tls["subject"] = "CN=" + value
	case "issuer/commonName":
		s.tls["issuer"] = "CN=" + value
	case "pubkey/type":
		if t := map[string]string{"rsa": "rsa", "ec": "ecdsa", "ed25519": "ed25519"}[value]; t != "" {
			s.tls["key_type"] = t
		}
	case "pubkey/bits":
		if n, err := strconv.ParseInt(value, 10, 32); err == nil {
			s.tls["key_bits"] = n
		}
	case "validity/notBefore":
		s.time("not_before", value)
	case "validity/notAfter":
		s.time("not_after", value)
	case "sig_algo":
		s.tls["signature_algorithm"] = value
	case "sha256":
		s.tls["fingerprint_sha256"] = value
	}
}

// time reads nmap's times, which are UTC without saying so.
func (s *service) time(key, value string) {
	if t, err := time.Parse("2006-01-02T15:04:05", strings.TrimSuffix(value, "+00:00")); err == nil {
		s.tls[key] = t.UTC().Format(time.RFC3339)
	}
}
