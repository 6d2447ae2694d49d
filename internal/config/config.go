// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

// Package config holds the settings of a Gyre process: one table of options,
// each with its key, default and documentation, from which the flags, the
// environment variables, the settings file and docs/config.md all come.
//
// A value is looked for in this order: flag, environment, settings file, default.
package config

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/gyre-ctem/gyre"
)

// Option is one setting.
type Option struct {
	Key     string // "listen"; the flag is --listen, the variable GYRE_LISTEN
	Default string
	Doc     string
	Secret  bool
	Check   func(string) error
}

// Options is the table of all settings.
var Options = []Option{
	{Key: "data", Default: "", Doc: "Data folder: database and keys. Empty: $XDG_DATA_HOME/gyre, else ~/.local/share/gyre."},
	{Key: "database", Default: "", Secret: true, Doc: "Database: postgres://… or sqlite:PATH. Empty: gyre.db in the data folder.", Check: checkDatabase},
	{Key: "listen", Default: "127.0.0.1:8437", Doc: "Address of the console and the API.", Check: checkAddress},
	{Key: "tls-cert", Default: "", Doc: "PEM file of the server's certificate chain. With it, the server speaks HTTPS only."},
	{Key: "tls-key", Default: "", Doc: "PEM file of the certificate's private key."},
	{Key: "insecure-listen", Default: "false", Doc: "Allow listening beyond loopback without TLS, for use behind a proxy that ends TLS.", Check: checkBool},
	{Key: "hosts", Default: "", Doc: "Host names, separated by commas, that the server answers to besides its listen address and loopback."},
	{Key: "feeds", Default: "", Doc: "Where threat intelligence is fetched from: a folder or an http(s) URL with the official layouts. Empty: the official addresses."},
	{Key: "feed-interval", Default: "24h", Doc: "How old intelligence may be before a cycle fetches it again.", Check: checkDuration},
	{Key: "upload-size", Default: "1073741824", Doc: "Largest report that is taken in, in bytes; at most 1 GiB, compressed or not.", Check: numberTo(1 << 30)},
	{Key: "upload-queue", Default: "100", Doc: "How many imports of a workspace may wait or be under way; further ones are refused.", Check: numberTo(100_000)},
	{Key: "upload-keep", Default: "168h", Doc: "How long the content of a report is kept whose import failed or was cancelled, so that it can be tried again.", Check: checkDuration},
	{Key: "disk-reserve", Default: "268435456", Doc: "Bytes that must stay free on the disk of the data folder; reports are refused before it gets fuller.", Check: numberTo(1 << 50)},
	{Key: "address-binding", Default: "720h", Doc: "How far apart in time two sightings of an IP address may be and still be of one asset (docs/identity.md).", Check: checkDuration},
	{Key: "name-binding", Default: "4320h", Doc: "The same for host names and FQDNs.", Check: checkDuration},
	{Key: "keep-coverage", Default: "4320h", Doc: "How long what a run covered is kept; 0: for ever. A report dated further back is held against younger runs only.", Check: checkDuration},
	{Key: "keep-evidence", Default: "8760h", Doc: "How long the data of the evidence of a fixed exposure is kept, beyond its summary; 0: for ever.", Check: checkDuration},
	{Key: "checks", Default: "", Doc: "Folder with check packs of your own; a check with the id of a built-in one replaces it."},
	{Key: "workers", Default: "2", Doc: "How many jobs of each kind this process works at once. 0: none; then 'gyre worker' has to run elsewhere.", Check: checkCount},
	{Key: "worker-timeout", Default: "8s", Doc: "How long a process may be silent before its jobs are handed to others (PostgreSQL).", Check: checkDuration},
	{Key: "log-level", Default: "info", Doc: "debug, info, warn or error.", Check: oneOf("debug", "info", "warn", "error")},
	{Key: "log-format", Default: "text", Doc: "text or json.", Check: oneOf("text", "json")},
}

// Config holds a value for each option.
type Config struct {
	values map[string]string
}

// Load reads the settings file (if there is one), the environment and the flags
// that were set. An unknown key or a value that its option refuses is
// gyre.Invalid with the place that holds it.
func Load(file string, getenv func(string) string, flags map[string]string) (*Config, error) {
	c := &Config{values: map[string]string{}}
	fromFile, err := readFile(file)
	if err != nil {
		return nil, err
	}
	for _, o := range Options {
		value, where := o.Default, "default"
		if v, ok := fromFile[o.Key]; ok {
			value, where = v, file
			delete(fromFile, o.Key)
		}
		if v := getenv(EnvName(o.Key)); v != "" {
			value, where = v, EnvName(o.Key)
		}
		if v, ok := flags[o.Key]; ok {
			value, where = v, "--"+o.Key
		}
		if o.Check != nil && value != "" {
			if err := o.Check(value); err != nil {
				return nil, gyre.FieldErrorf(gyre.Invalid, where, "%s: %v", o.Key, err)
			}
		}
		c.values[o.Key] = value
	}
	for key := range fromFile {
		return nil, gyre.FieldErrorf(gyre.Invalid, file, "there is no setting %q", key)
	}
	if c.values["data"] == "" {
		c.values["data"] = defaultData(getenv)
	}
	if (c.Get("tls-cert") == "") != (c.Get("tls-key") == "") {
		return nil, gyre.Errorf(gyre.Invalid, "tls-cert and tls-key must be set together")
	}
	return c, nil
}

func readFile(file string) (map[string]string, error) {
	if file == "" {
		return nil, nil
	}
	b, err := os.ReadFile(file) // #nosec -- the operator names it
	if err != nil {
		return nil, gyre.FieldErrorf(gyre.Invalid, file, "cannot be read: %v", err)
	}
	var values map[string]string
	if err := yaml.Unmarshal(b, &values); err != nil {
		return nil, gyre.FieldErrorf(gyre.Invalid, file, "not a flat YAML map of settings: %v", err)
	}
	return values, nil
}

// Get returns a setting; it panics on a key that is not in Options.
func (c *Config) Get(key string) string {
	v, ok := c.values[key]
	if !ok {
		panic("config: no option " + key)
	}
	return v
}

// Bool returns a setting that its option checks to be a boolean.
func (c *Config) Bool(key string) bool {
	b, _ := strconv.ParseBool(c.Get(key))
	return b
}

// Database returns the address of the database.
func (c *Config) Database() string {
	if db := c.Get("database"); db != "" {
		return db
	}
	return "sqlite:" + filepath.Join(c.Get("data"), "gyre.db")
}

// CheckListen refuses an address beyond loopback that has neither TLS nor the
// operator's word for it.
func (c *Config) CheckListen() error {
	host, _, err := net.SplitHostPort(c.Get("listen"))
	if err != nil {
		return gyre.FieldErrorf(gyre.Invalid, "listen", "%v", err)
	}
	ip := net.ParseIP(host)
	loopback := host == "localhost" || (ip != nil && ip.IsLoopback())
	if loopback || c.Get("tls-cert") != "" || c.Bool("insecure-listen") {
		return nil
	}
	return gyre.FieldErrorf(gyre.Invalid, "listen",
		"%s can be reached from other machines, and passwords would cross the network in clear text: set tls-cert and tls-key, or insecure-listen=true behind a proxy that ends TLS", c.Get("listen"))
}

// EnvName is the environment variable of an option.
func EnvName(key string) string {
	return "GYRE_" + strings.ToUpper(strings.ReplaceAll(key, "-", "_"))
}

// WriteDoc writes docs/config.md.
func WriteDoc(w io.Writer) error {
	opts := append([]Option(nil), Options...)
	sort.Slice(opts, func(i, j int) bool { return opts[i].Key < opts[j].Key })
	var b strings.Builder
	b.WriteString("# Settings\n\nA setting is looked for as a flag, then in the environment, then in the file named by `--config` (a flat YAML map), then its default is taken.\n\n")
	b.WriteString("| setting | flag | environment | default | what it is |\n|---|---|---|---|---|\n")
	for _, o := range opts {
		def := o.Default
		if def == "" {
			def = "–"
		}
		doc := o.Doc
		if o.Secret {
			doc += " May hold a password: prefer the environment or the file."
		}
		fmt.Fprintf(&b, "| %s | `--%s` | `%s` | %s | %s |\n", o.Key, o.Key, EnvName(o.Key), def, doc)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func defaultData(getenv func(string) string) string {
	if d := getenv("XDG_DATA_HOME"); filepath.IsAbs(d) {
		return filepath.Join(d, "gyre")
	}
	if home, err := os.UserHomeDir(); err == nil {
		return filepath.Join(home, ".local", "share", "gyre")
	}
	return "gyre-data"
}
