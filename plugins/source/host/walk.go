// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/osv-scalibr/extractor/filesystem"
	"github.com/gyre-ctem/gyre"
)

// system are folders at the root that hold no files of the host's own.
var system = map[string]bool{
	"proc": true, "sys": true, "dev": true, "run": true, "tmp": true, "var/tmp": true, "var/run": true, "lost+found": true, "var/cache": true,
	"var/lib/docker": true, "var/lib/containerd": true, "var/lib/containers": true, "var/lib/kubelet": true, "snap": true,
}

// caches are names of folders that hold copies of what others published or
// what can be built again. Lockfiles beside them say what is used.
var caches = map[string]string{
	".git": "version control data", ".hg": "version control data", ".svn": "version control data", ".jj": "version control data",
	"node_modules": "installed npm packages (their lockfiles are read)", "bower_components": "installed npm packages (their lockfiles are read)",
	".cache": "caches", "__pycache__": "caches", ".npm": "caches", ".gradle": "caches", ".terraform": "caches", ".tox": "caches",
	".cargo": "caches", ".rustup": "caches", ".m2": "caches", ".ivy2": "caches", ".nuget": "caches", ".yarn": "caches", ".pnpm-store": "caches",
	"testdata": "test data", "fixtures": "test data", "__fixtures__": "test data", "test-fixtures": "test data",
}

// skipped says why a folder is not looked into; "" when it is.
func (w *walker) skipped(rel, name string) string {
	if reason := caches[name]; reason != "" {
		return reason + " left out"
	}
	if system[rel] {
		return "system and container folders left out"
	}
	switch {
	case strings.HasSuffix(rel, "go/pkg/mod") || strings.HasSuffix(rel, "go/pkg/sumdb"):
		return "caches left out"
	case (name == "test" || name == "_bundled") && strings.Contains(rel, "lib/python"):
		return "tests and installers of the Python distribution left out"
	case name == "src" || name == "pkg" || name == "test":
		if parent := path.Dir(rel); strings.HasPrefix(path.Base(parent), "go") && strings.HasPrefix(w.r.small(parent+"/VERSION"), "go1") {
			return "sources of the Go distribution left out"
		}
	}
	return ""
}

// walker finds the files that extractors and detectors want.
type walker struct {
	r          *run
	extractors []filesystem.Extractor
	jobs       chan job
	mounts     map[string]bool // not to be crossed
	guarded    bool            // the scope excludes folders
	deadline   time.Time
	entries    int
	stopped    string // why the walk ended early

	packageHoles, secretHoles []string // not looked into although it should have been
}

type job struct {
	rel        string
	extractors []filesystem.Extractor
	secrets    bool
}

// walkAll walks the whole root and emits what is found, with its coverage.
func (r *run) walkAll(ctx context.Context, budget time.Duration) error {
	extractors, err := loadExtractors()
	if err != nil {
		return fmt.Errorf("load extractors: %w", err)
	}
	w := &walker{
		r: r, extractors: extractors, jobs: make(chan job, 256), deadline: time.Now().Add(budget),
		guarded: slices.ContainsFunc(r.req.Scope.Exclusions, filepath.IsAbs), mounts: map[string]bool{},
	}
	if r.live {
		w.mounts = foreignMounts(filepath.Join(r.proc, "self/mounts"))
	}
	c := newCollector(r)
	var wg sync.WaitGroup
	for range max(2, min(runtime.GOMAXPROCS(0), 8)) {
		wg.Go(func() {
			for j := range w.jobs {
				c.do(ctx, j)
			}
		})
	}
	w.dir(ctx, "", 0, !r.live)
	close(w.jobs)
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return err
	}
	if w.stopped != "" {
		r.report.Limits = append(r.report.Limits, w.stopped)
	}
	return c.finish(ctx, w)
}

// dir walks one folder; secrets says whether its files are searched for them.
func (w *walker) dir(ctx context.Context, rel string, depth int, secrets bool) {
	if ctx.Err() != nil {
		return
	}
	hole := func(reason string) {
		if reason != "" {
			w.r.limits.add(reason, locus(rel))
		}
		w.packageHoles = append(w.packageHoles, rel)
		w.secretHoles = append(w.secretHoles, rel)
	}
	switch {
	case w.stopped != "":
		hole("")
		return
	case w.entries > maxEntries:
		w.stopped = fmt.Sprintf("stopped after %d files: what was not reached is not covered", maxEntries)
	case time.Now().After(w.deadline):
		w.stopped = fmt.Sprintf("stopped at %s when the time for one run was over: what was not reached is not covered", locus(rel))
	}
	if w.stopped != "" || depth > maxDepth {
		hole("")
		return
	}
	if w.guarded {
		if err := w.r.req.Guard.AllowPath(w.r.at(rel)); err != nil {
			hole("folder excluded by the scope")
			return
		}
	}
	entries, err := os.ReadDir(w.r.at(rel))
	if err != nil {
		reason := "folder could not be read"
		if errors.Is(err, fs.ErrPermission) {
			reason = "no permission to read folder"
		}
		hole(reason)
		if len(entries) == 0 {
			return
		}
	}
	if rel != "" && slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == "CACHEDIR.TAG" }) {
		hole("folder that calls itself a cache left out (CACHEDIR.TAG)")
		return
	}
	w.entries += len(entries)
	if depth <= 3 {
		w.r.req.Progress(w.entries, 0, "looking through "+locus(rel))
	}
	for _, e := range entries {
		name := e.Name()
		child := path.Join(rel, name)
		switch {
		case e.IsDir():
			if reason := w.skipped(child, name); reason != "" {
				w.r.limits.add(reason, locus(child))
				continue
			}
			if w.mounts["/"+child] {
				w.r.limits.add("mounted from elsewhere, left out", locus(child))
				w.packageHoles, w.secretHoles = append(w.packageHoles, child), append(w.secretHoles, child)
				continue
			}
			below := secrets && !noSecrets[name] && !strings.HasPrefix(name, "python") || w.r.live && slices.Contains(liveSecretRoots, child)
			w.dir(ctx, child, depth+1, below)
		case e.Type().IsRegular():
			en := &entry{rel: child, stat: e.Info}
			j := job{rel: child, extractors: wanting(w.extractors, en), secrets: secrets && w.wantsSecrets(en)}
			if len(j.extractors) > 0 || j.secrets {
				select {
				case w.jobs <- j:
				case <-ctx.Done():
					return
				}
			}
		}
	}
}

func (w *walker) wantsSecrets(e *entry) bool {
	if !searchable(e.rel) {
		return false
	}
	info, err := e.Stat()
	if err != nil {
		return false
	}
	if info.Size() > maxSecretFile {
		w.r.limits.add(fmt.Sprintf("file larger than %d MiB not searched for secrets", maxSecretFile>>20), locus(e.rel))
		w.secretHoles = append(w.secretHoles, e.rel)
		return false
	}
	return info.Size() > 0
}

// foreignMounts lists where file systems are mounted that are not this
// machine's disks (proc_mounts(5)).
func foreignMounts(file string) map[string]bool {
	m := map[string]bool{}
	f, err := os.Open(file) // #nosec G304 -- /proc/self/mounts
	if err != nil {
		return m
	}
	defer func() { _ = f.Close() }()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 3 || fields[1] == "/" {
			continue
		}
		kind := fields[2]
		switch {
		case strings.HasPrefix(kind, "nfs"), strings.HasPrefix(kind, "fuse"), strings.HasPrefix(kind, "cgroup"),
			slices.Contains([]string{
				"cifs", "smb3", "9p", "ceph", "glusterfs", "afs", "sshfs", "virtiofs", "overlay", "squashfs",
				"proc", "sysfs", "devtmpfs", "devpts", "tmpfs", "securityfs", "debugfs", "tracefs", "bpf", "autofs", "mqueue", "hugetlbfs",
				"binfmt_misc", "nsfs", "pstore", "efivarfs", "configfs", "iso9660",
			}, kind):
			m[strings.ReplaceAll(fields[1], `\040`, " ")] = true
		}
	}
	return m
}

// collector gathers what the workers find and emits it in batches.
type collector struct {
	r        *run
	mu       sync.Mutex
	pending  []gyre.ComponentSighting // not yet emitted
	seen     map[string]bool
	language []gyre.ComponentSighting // held until it is known what the OS owns
	findings []gyre.Finding
	read     map[string]bool // package files that were read
	searched map[string]bool
	failed   []string // package files that could not be read
	unsearch []string // files that could not be searched for secrets
	emitErr  error
}

func newCollector(r *run) *collector {
	return &collector{r: r, seen: map[string]bool{}, read: map[string]bool{}, searched: map[string]bool{}}
}

func (c *collector) do(ctx context.Context, j job) {
	if ctx.Err() != nil {
		return
	}
	for _, x := range j.extractors {
		list, err := c.r.extract(ctx, x, j.rel)
		c.mu.Lock()
		c.note(x.Name(), j.rel, err)
		for _, s := range list {
			c.add(s, databases[x.Name()])
		}
		c.flush(ctx, false)
		c.mu.Unlock()
	}
	if j.secrets {
		found, err := c.r.search(ctx, j.rel)
		c.mu.Lock()
		if err != nil {
			c.unsearch = append(c.unsearch, j.rel)
			c.r.limits.add("file could not be searched for secrets", locus(j.rel))
		} else {
			c.searched[j.rel] = true
			c.findings = append(c.findings, found...)
		}
		c.mu.Unlock()
	}
}

func (c *collector) note(extractor, rel string, err error) {
	switch {
	case err == nil:
		c.read[rel] = true
		return
	case databases[extractor] && !errors.Is(err, fs.ErrPermission):
		c.r.report.Problems = append(c.r.report.Problems, gyre.Problem{Place: locus(rel), Reason: err.Error()})
	case errors.Is(err, fs.ErrPermission):
		c.r.limits.add("no permission to read package file", locus(rel))
	case errors.Is(err, errTooLarge):
		c.r.limits.add("package file is too large", locus(rel))
	default:
		c.r.limits.add("package file could not be understood", locus(rel))
		c.r.log.Debug("package file could not be understood", "file", locus(rel), "error", err)
	}
	c.failed = append(c.failed, rel)
}

func (c *collector) add(s gyre.ComponentSighting, database bool) {
	key := s.Location + "\x00" + s.Ecosystem + "\x00" + s.Name + "\x00" + s.Version
	if c.seen[key] {
		return
	}
	c.seen[key] = true
	if database {
		c.pending = append(c.pending, s)
	} else {
		c.language = append(c.language, s)
	}
}

// flush emits components; the caller holds the lock.
func (c *collector) flush(ctx context.Context, all bool) {
	for len(c.pending) >= batchComponents || all && len(c.pending) > 0 {
		n := min(len(c.pending), batchComponents)
		b := &gyre.Batch{Components: slices.Clone(c.pending[:n])}
		c.pending = c.pending[n:]
		if err := c.r.emit(ctx, b); err != nil && c.emitErr == nil {
			c.emitErr = err
		}
	}
}

// finish emits the rest and says what was covered.
func (c *collector) finish(ctx context.Context, w *walker) error {
	var files []string
	for _, s := range c.language {
		files = append(files, s.Location)
	}
	for _, f := range c.findings {
		files = append(files, f.Remedy.Location)
	}
	owned := c.r.ownedByOS(ctx, files)
	said := map[string]bool{}
	for _, s := range c.language {
		if owned[s.Location] {
			if said[s.Location] {
				continue
			}
			said[s.Location] = true
			c.r.limits.add("file of an OS package: the libraries in it are left to that package's advisories", s.Location)
			continue
		}
		c.pending = append(c.pending, s)
	}
	c.findings = slices.DeleteFunc(c.findings, func(f gyre.Finding) bool {
		if owned[f.Remedy.Location] {
			c.r.limits.add("secret that an OS package ships to everyone, left out", f.Locus)
			return true
		}
		return false
	})
	c.flush(ctx, true)
	if c.emitErr != nil {
		return c.emitErr
	}
	slices.SortFunc(c.findings, func(a, b gyre.Finding) int {
		return cmp.Or(strings.Compare(a.Locus, b.Locus), strings.Compare(a.Weakness.Key, b.Weakness.Key))
	})
	for batch := range slices.Chunk(c.findings, 500) {
		if err := c.r.emit(ctx, &gyre.Batch{Findings: batch}); err != nil {
			return err
		}
	}
	b := &gyre.Batch{}
	packages := cover{list: c.r.list, holes: append(w.packageHoles, c.failed...), roots: []string{""}, file: func(rel string) []string {
		if c.read[rel] {
			return []string{locus(rel) + "#*"}
		}
		return nil
	}}
	if loci, any := packages.loci(); any {
		b.Coverage = append(b.Coverage, gyre.Coverage{Asset: c.r.asset, Aspect: gyre.AspectPackage, Loci: loci, Credentialed: true})
	}
	roots := []string{""}
	if c.r.live {
		roots = liveSecretRoots
	}
	secrets := cover{list: c.r.list, holes: append(w.secretHoles, c.unsearch...), roots: roots, file: func(rel string) []string {
		if c.searched[rel] {
			return []string{locus(rel), locus(rel) + ":*"}
		}
		return nil
	}}
	if loci, any := secrets.loci(); any {
		b.Coverage = append(b.Coverage, gyre.Coverage{
			Judged: true, Asset: c.r.asset, Aspect: gyre.AspectSecret, Loci: loci, Weaknesses: secretKeys(), Credentialed: true,
		})
	}
	return c.r.emit(ctx, b)
}
