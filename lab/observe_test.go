// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// observe says, with ordinary clients, whether the weakness of a row can be seen.
// There is one observer for every row; the test of all rows uses them before
// and after a fix.
type observer func(t *testing.T, e *Estate) bool

func header(host, name string) observer {
	return func(t *testing.T, e *Estate) bool {
		resp, _ := ask(t, e, "GET", host, "https", "/")
		return resp.StatusCode == 200 && resp.Header.Get(name) == ""
	}
}

func page(host, path, sign string) observer {
	return func(t *testing.T, e *Estate) bool {
		resp, body := ask(t, e, "GET", host, "https", path)
		return resp.StatusCode == 200 && strings.Contains(body, sign)
	}
}

var network = map[string]observer{
	"W-01": func(t *testing.T, e *Estate) bool {
		_, err := handshake(t, e, "shop", &tls.Config{RootCAs: e.authority.Roots()})
		invalid, ok := errors.AsType[x509.CertificateInvalidError](err)
		if err != nil && !ok {
			t.Error(err)
		}
		return ok && invalid.Reason == x509.Expired
	},
	"W-02": func(t *testing.T, e *Estate) bool {
		_, err := handshake(t, e, "portal", &tls.Config{RootCAs: e.authority.Roots(), MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS10}) // #nosec -- what is tested
		return err == nil
	},
	"W-03": func(t *testing.T, e *Estate) bool {
		_, err := handshake(t, e, "intranet", &tls.Config{RootCAs: e.authority.Roots()})
		cert, _ := handshake(t, e, "intranet", &tls.Config{InsecureSkipVerify: true}) // #nosec -- what is tested
		return err != nil && cert.Issuer.String() == cert.Subject.String()
	},
	"W-04": header("legacy", "Strict-Transport-Security"),
	"W-05": header("legacy", "Content-Security-Policy"),
	"W-06": header("legacy", "X-Frame-Options"),
	"W-07": header("legacy", "X-Content-Type-Options"),
	"W-08": func(t *testing.T, e *Estate) bool {
		resp, _ := ask(t, e, "GET", "legacy", "https", "/")
		c := resp.Cookies()
		return len(c) == 1 && !c[0].Secure && !c[0].HttpOnly
	},
	"W-09": func(t *testing.T, e *Estate) bool {
		resp, _ := ask(t, e, "GET", "legacy", "https", "/")
		return strings.ContainsAny(resp.Header.Get("Server"), "0123456789")
	},
	"W-10": page("downloads", "/", "Index of /"),
	"W-11": page("blog", "/.git/HEAD", "ref: refs/"),
	"W-12": page("blog", "/.env", "DB_PASSWORD="),
	"W-13": func(t *testing.T, e *Estate) bool {
		_, doc := ask(t, e, "GET", "api", "https", "/openapi.json")
		var spec struct {
			OpenAPI string                     `json:"openapi"`
			Paths   map[string]json.RawMessage `json:"paths"`
		}
		if err := json.Unmarshal([]byte(doc), &spec); err != nil || spec.OpenAPI == "" || len(spec.Paths) == 0 {
			t.Fatalf("not an OpenAPI document: %v", err)
		}
		open := 0
		for path := range spec.Paths {
			resp, body := ask(t, e, "GET", "api", "https", path)
			if resp.StatusCode == 200 && json.Valid([]byte(body)) {
				open++
			}
		}
		return open == len(spec.Paths)
	},
	"W-14": func(t *testing.T, e *Estate) bool {
		resp, _ := ask(t, e, "GET", "api", "https", "/openapi.json", "Origin", "https://elsewhere.example")
		return resp.Header.Get("Access-Control-Allow-Origin") == "https://elsewhere.example" && resp.Header.Get("Access-Control-Allow-Credentials") == "true"
	},
	"W-15": func(t *testing.T, e *Estate) bool {
		if resp, _ := ask(t, e, "GET", "admin", "https", "/admin"); resp.StatusCode != 401 {
			t.Errorf("without credentials: %d", resp.StatusCode)
		}
		resp, _ := ask(t, e, "GET", "admin", "https", "/admin", "Authorization", "Basic YWRtaW46YWRtaW4=")
		return resp.StatusCode == 200
	},
	"W-16": page("status", "/server-status", "Apache Server Status"),
	"W-17": func(t *testing.T, e *Estate) bool {
		resp, body := ask(t, e, "TRACE", "status", "https", "/", "X-Marker", "mirror")
		return resp.StatusCode == 200 && strings.Contains(body, "mirror")
	},
	"W-18": func(t *testing.T, e *Estate) bool {
		resp, _ := ask(t, e, "GET", "wiki", "http", "/")
		return resp.StatusCode == 401 && strings.HasPrefix(resp.Header.Get("WWW-Authenticate"), "Basic")
	},
	"W-19": func(t *testing.T, e *Estate) bool {
		return strings.HasPrefix(talk(t, at(t, e, "cache", "redis"), "*1\r\n$4\r\nPING\r\n", "INFO\r\nQUIT\r\n"), "+PONG\r\n$")
	},
	"W-20": ftpAnonymous,
	"W-21": func(t *testing.T, e *Estate) bool {
		said := talk(t, at(t, e, "mail", "smtp"), "EHLO probe.example\r\nMAIL FROM:<probe@elsewhere.example>\r\nRCPT TO:<someone@other.example>\r\nQUIT\r\n")
		return strings.Contains(said, "250 2.1.5")
	},
	"W-22": func(t *testing.T, e *Estate) bool {
		return strings.HasPrefix(talk(t, at(t, e, "sftp", "ssh"), "SSH-2.0-probe\r\n"), "SSH-2.0-OpenSSH_7.4")
	},
	"W-23": func(t *testing.T, e *Estate) bool {
		resp, body := ask(t, e, "GET", "search", "elasticsearch", "/")
		return resp.StatusCode == 200 && strings.Contains(body, "You Know, for Search")
	},
	"W-24": func(t *testing.T, e *Estate) bool {
		resp, body := ask(t, e, "GET", "build", "docker", "/v1.43/containers/json")
		return resp.StatusCode == 200 && strings.Contains(body, "runner")
	},
	"W-25": func(t *testing.T, e *Estate) bool {
		said := talk(t, at(t, e, "reportsdb", "mysql"))
		return len(said) > 5 && said[4] == 10 && strings.HasPrefix(said[5:], "8.0.36\x00")
	},
	"W-26": func(t *testing.T, e *Estate) bool {
		return strings.Contains(talk(t, at(t, e, "sessions", "memcached"), "stats\r\nquit\r\n"), "STAT version")
	},
	"W-27": func(t *testing.T, e *Estate) bool {
		resp, _ := ask(t, e, "GET", "config", "etcd", "/v2/keys")
		v3, _ := ask(t, e, "POST", "config", "etcd", "/v3/kv/range")
		if resp.StatusCode != v3.StatusCode {
			t.Errorf("etcd v2 says %d, v3 %d", resp.StatusCode, v3.StatusCode)
		}
		return resp.StatusCode == 200
	},
	"W-28": func(t *testing.T, e *Estate) bool { return open(t, at(t, e, "switch", "telnet")) },
	"W-29": func(t *testing.T, e *Estate) bool {
		return strings.HasPrefix(talk(t, at(t, e, "kvm", "vnc"), "RFB 003.008\n", "\x01", "\x01"), "RFB 003.008\n\x01\x01\x00\x00\x00\x00")
	},
	"W-30": func(t *testing.T, e *Estate) bool {
		// OP_MSG {listDatabases: 1, $db: "admin"}
		doc := "\x10listDatabases\x00\x01\x00\x00\x00\x02$db\x00\x06\x00\x00\x00admin\x00\x00"
		doc = string([]byte{byte(len(doc) + 4), 0, 0, 0}) + doc
		body := "\x07\x00\x00\x00\x00\x00\x00\x00\xdd\x07\x00\x00" + "\x00\x00\x00\x00\x00" + doc
		return strings.Contains(talk(t, at(t, e, "catalogue", "mongodb"), string([]byte{byte(len(body) + 4), 0, 0, 0})+body), "sizeOnDisk")
	},
	"W-31": func(t *testing.T, e *Estate) bool { return open(t, at(t, e, "shadow", "https")) },
	"W-32": func(t *testing.T, e *Estate) bool {
		envelopes, err := new(dns.Transfer).In(new(dns.Msg).SetAxfr("corp.example."), at(t, e, "ns1", "dns"))
		if err != nil {
			t.Fatal(err)
		}
		records := 0
		for env := range envelopes {
			records += len(env.RR)
		}
		return records > 10
	},
	"W-33": func(t *testing.T, e *Estate) bool {
		for _, rr := range query(t, e, "udp", "dev.corp.example", dns.TypeCNAME, false).Answer {
			if c, ok := rr.(*dns.CNAME); ok {
				return query(t, e, "udp", c.Target, dns.TypeA, false).Rcode == dns.RcodeNameError
			}
		}
		return false
	},
	"W-34": func(t *testing.T, e *Estate) bool {
		return !strings.Contains(texts(query(t, e, "udp", "corp.example", dns.TypeTXT, false)), "v=spf1")
	},
	"W-35": func(t *testing.T, e *Estate) bool {
		return !strings.Contains(texts(query(t, e, "tcp", "_dmarc.corp.example", dns.TypeTXT, false)), "v=DMARC1")
	},
	"W-36": func(t *testing.T, e *Estate) bool { return !signed(t, e, "corp.example") },
	"W-37": func(t *testing.T, e *Estate) bool {
		return strings.Contains(texts(query(t, e, "udp", "partner.example", dns.TypeTXT, false)), "+all")
	},
	"W-38": func(t *testing.T, e *Estate) bool {
		return strings.Contains(texts(query(t, e, "udp", "_dmarc.partner.example", dns.TypeTXT, false)), "p=none")
	},
	"W-90": func(t *testing.T, e *Estate) bool {
		_, body := ask(t, e, "GET", "www", "https", "/")
		if !strings.Contains(body, "<script src=") {
			t.Error("the home page loads no script")
		}
		return !strings.Contains(body, "integrity=")
	},
}

// TestEveryRow fixes and breaks each row and looks, every time, with a client.
func TestEveryRow(t *testing.T) {
	e := up(t, Options{})
	for _, r := range e.Rows() {
		see := network[r.ID]
		if see == nil {
			see = onDisk[r.ID]
		}
		if see == nil {
			t.Errorf("%s %s: nobody looks at it", r.ID, r.Title)
			continue
		}
		t.Run(r.ID+" "+r.Flaw, func(t *testing.T) {
			if !see(t, e) {
				t.Error("planted, but cannot be seen")
			}
			if _, err := e.Fix(r.ID); err != nil {
				t.Fatal(err)
			}
			if see(t, e) {
				t.Error("fixed, but still to be seen")
			}
			if _, err := e.Break(r.ID); err != nil {
				t.Fatal(err)
			}
			if !see(t, e) {
				t.Error("broken again, but cannot be seen")
			}
		})
	}
	if len(network)+len(onDisk) != len(e.Rows()) {
		t.Errorf("%d observers for %d rows", len(network)+len(onDisk), len(e.Rows()))
	}
}

// TestCleanHostsAreClean looks at the hosts without rows as a strict scanner would.
func TestCleanHostsAreClean(t *testing.T) {
	e := up(t, Options{})
	planted := map[string]bool{}
	for _, r := range e.Rows() {
		planted[r.Host] = true
	}
	for _, l := range e.listeners {
		if planted[l.host.name] || l.service.name != "https" {
			continue
		}
		name := l.host.name
		cert, err := handshake(t, e, name, &tls.Config{RootCAs: e.authority.Roots(), ServerName: name + ".corp.example"})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !slices.Contains(cert.DNSNames, name+".corp.example") || cert.IPAddresses[0].String() != l.address {
			t.Errorf("%s: certificate for %v %v", name, cert.DNSNames, cert.IPAddresses)
		}
		if _, err := handshake(t, e, name, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}); err == nil { // #nosec -- what is tested
			t.Errorf("%s takes TLS 1.1", name)
		}
		for _, path := range []string{"/", "/nothing-here"} {
			resp, _ := ask(t, e, "GET", name, "https", path)
			for _, h := range []string{"Strict-Transport-Security", "Content-Security-Policy", "X-Frame-Options", "X-Content-Type-Options"} {
				if resp.Header.Get(h) == "" {
					t.Errorf("%s%s: no %s", name, path, h)
				}
			}
			if resp.Header.Get("Server") != "" || len(resp.Cookies()) > 0 {
				t.Errorf("%s%s: %v", name, path, resp.Header)
			}
		}
		for _, path := range []string{"/.git/HEAD", "/.env", "/admin", "/server-status", "/openapi.json"} {
			if resp, _ := ask(t, e, "GET", name, "https", path); resp.StatusCode != 404 {
				t.Errorf("%s%s: %d", name, path, resp.StatusCode)
			}
		}
	}
	if said := talk(t, at(t, e, "queue", "redis"), "PING\r\nQUIT\r\n"); !strings.HasPrefix(said, "-NOAUTH") {
		t.Errorf("the clean Redis says %q", said)
	}
	if said := talk(t, at(t, e, "mailgate", "smtp"), "EHLO a\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nRCPT TO:<x@corp.example>\r\nDATA\r\nQUIT\r\n"); !strings.Contains(said, "554 5.7.1") || !strings.Contains(said, "250 2.1.5") || !strings.Contains(said, "451") {
		t.Errorf("the clean mail gateway says %q", said)
	}
	if !signed(t, e, "partner.example") || len(query(t, e, "udp", "corp.example", dns.TypeCAA, false).Answer) != 1 {
		t.Error("partner.example is not signed, or corp.example has no CAA record")
	}
}
