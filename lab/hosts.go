// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"net"

	gyre "github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/lab/server"
	"github.com/gyre-ctem/gyre/lab/truth"
)

// host is one machine of the estate.
type host struct {
	name     string
	zone     gyre.Zone
	octet    int  // last part of its address
	root     bool // has a root folder
	unlisted bool // in no inventory
	services []service
}

// service is one listener of a host. gate names a flaw whose fix closes the port.
type service struct {
	name  string
	port  int // where it would like to listen
	gate  string
	start starter
}

// starter starts a service on its listener. at is the host's own view of itself.
type starter func(e *Estate, at place, ln net.Listener) (stop func(), err error)

type place struct{ host, name, address string }

// networks are the zones' networks: 127.0.N.0/24.
var networks = map[gyre.Zone]int{
	gyre.ZoneInternet: 10, gyre.ZoneDMZ: 11, gyre.ZoneInternal: 12, gyre.ZoneManagement: 13,
}

// site starts a web server; fill gives it its pages.
func site(title string, fill func(*server.Site)) starter {
	return func(e *Estate, at place, ln net.Listener) (func(), error) {
		s := &server.Site{Host: at.host, Name: at.name, Address: at.address, Title: title, CA: e.authority, Has: e.has}
		if fill != nil {
			fill(s)
		}
		return s.Serve(ln), nil
	}
}

func conns(h func(at place, has server.Flaws) server.Handler) starter {
	return func(e *Estate, at place, ln net.Listener) (func(), error) {
		return server.Serve(ln, h(at, e.has)), nil
	}
}

func https(title string, fill func(*server.Site)) []service {
	return []service{{name: "https", port: 8443, start: site(title, fill)}}
}

var ssh = []service{{name: "ssh", port: 2222, start: conns(func(at place, has server.Flaws) server.Handler {
	return server.SSH(at.host, has)
})}}

func one(name string, port int, gate string, start starter) []service {
	return []service{{name: name, port: port, gate: gate, start: start}}
}

// hosts is the whole network. Hosts without a row are clean on purpose: what is
// found there is false.
func hosts() []host {
	const (
		in  = gyre.ZoneInternet
		dmz = gyre.ZoneDMZ
		lan = gyre.ZoneInternal
		mgt = gyre.ZoneManagement
	)
	return []host{
		{name: "www", zone: in, octet: 11, services: https("Home page", server.Home)},
		{name: "shop", zone: in, octet: 12, services: https("Shop", nil)},
		{name: "portal", zone: in, octet: 13, services: https("Customer portal", nil)},
		{name: "legacy", zone: in, octet: 14, services: https("Old catalogue", func(s *server.Site) { s.Cookie = true })},
		{name: "downloads", zone: in, octet: 15, services: https("Downloads", server.Downloads)},
		{name: "blog", zone: in, octet: 16, services: https("Blog", server.Blog)},
		{name: "api", zone: in, octet: 17, services: https("Customer API", server.Customers)},
		{name: "mail", zone: in, octet: 25, services: one("smtp", 2525, "", conns(smtp))},
		{name: "ns1", zone: in, octet: 53, services: one("dns", 5300, "", nameserver)},
		{name: "shadow", zone: in, octet: 60, unlisted: true, services: []service{
			{name: "https", port: 8443, gate: "shadow.running", start: site("Test", nil)},
		}},

		{name: "proxy", zone: dmz, octet: 11, services: https("Gateway", nil)},
		{name: "ftp", zone: dmz, octet: 12, services: one("ftp", 2121, "", conns(func(at place, has server.Flaws) server.Handler {
			return server.FTP(at.host, has)
		}))},
		{name: "sftp", zone: dmz, octet: 13, services: ssh},
		{name: "reportsdb", zone: dmz, octet: 14, services: one("mysql", 3306, "reportsdb.database-exposed", conns(func(place, server.Flaws) server.Handler {
			return server.MySQL()
		}))},
		{name: "admin", zone: dmz, octet: 15, services: https("Appliance", server.Admin)},
		{name: "status", zone: dmz, octet: 16, services: https("Status", server.Status)},
		{name: "mailgate", zone: dmz, octet: 17, services: one("smtp", 2525, "", conns(smtp))},
		{name: "build", zone: dmz, octet: 18, services: one("docker", 2375, "build.docker-open", site("Container engine", server.ContainerEngine))},

		{name: "cache", zone: lan, octet: 11, services: one("redis", 6379, "", conns(redis))},
		{name: "queue", zone: lan, octet: 12, services: one("redis", 6379, "", conns(redis))},
		{name: "search", zone: lan, octet: 13, services: one("elasticsearch", 9200, "", site("Search engine", server.SearchEngine))},
		{name: "sessions", zone: lan, octet: 14, services: one("memcached", 11211, "sessions.memcached-open", conns(func(place, server.Flaws) server.Handler {
			return server.Memcached()
		}))},
		{name: "intranet", zone: lan, octet: 15, services: https("Intranet", nil)},
		{name: "wiki", zone: lan, octet: 16, services: one("http", 8080, "", site("Wiki", server.Wiki))},
		{name: "config", zone: lan, octet: 17, services: one("etcd", 2379, "", site("Configuration store", server.KeyValueStore))},
		{name: "catalogue", zone: lan, octet: 18, services: one("mongodb", 27017, "", conns(func(at place, has server.Flaws) server.Handler {
			return server.MongoDB(at.host, has)
		}))},
		{name: "orders1", zone: lan, octet: 21, root: true, services: ssh},
		{name: "orders2", zone: lan, octet: 22, root: true, services: ssh},
		{name: "ledger", zone: lan, octet: 23, root: true, services: ssh},
		{name: "reports", zone: lan, octet: 24, root: true, services: ssh},
		{name: "gateway", zone: lan, octet: 25, root: true, services: ssh},
		{name: "web1", zone: lan, octet: 26, root: true, services: append(https("Order entry", nil), ssh...)},

		{name: "bastion", zone: mgt, octet: 11, root: true, services: ssh},
		{name: "backup", zone: mgt, octet: 12, root: true, services: ssh},
		{name: "switch", zone: mgt, octet: 13, services: one("telnet", 2323, "switch.telnet", conns(func(at place, _ server.Flaws) server.Handler {
			return server.Telnet(at.host)
		}))},
		{name: "kvm", zone: mgt, octet: 14, services: one("vnc", 5900, "", conns(func(at place, has server.Flaws) server.Handler {
			return server.VNC(at.host, has)
		}))},
		{name: "monitor", zone: mgt, octet: 15, services: https("Monitoring", nil)},
	}
}

func smtp(at place, has server.Flaws) server.Handler {
	return server.SMTP(at.host, at.name, truth.Domain, has)
}

func redis(at place, has server.Flaws) server.Handler { return server.Redis(at.host, has) }

// nameserver serves the estate's two zones, over TCP and over UDP at the same port.
func nameserver(e *Estate, at place, ln net.Listener) (func(), error) {
	pc, err := net.ListenPacket("udp", ln.Addr().String())
	if err != nil {
		return nil, gyre.Errorf(gyre.Unavailable, "listen for DNS: %w", err)
	}
	public := map[string]string{}
	for _, h := range e.hosts {
		if h.zone == gyre.ZoneInternet && !h.unlisted {
			public[h.name] = e.address(h)
		}
	}
	ns, err := server.NewNameserver(e.started,
		&server.Zone{Domain: truth.Domain, Server: at.address, Hosts: public, Has: e.has},
		&server.Zone{Domain: truth.PartnerDomain, Server: at.address, Hosts: map[string]string{"mail": public["mail"]}, Has: e.has})
	if err != nil {
		_ = pc.Close()
		return nil, err
	}
	return ns.Serve(ln, pc), nil
}
