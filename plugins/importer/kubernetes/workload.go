// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package kubernetes

import (
	"strconv"

	"go.yaml.in/yaml/v3"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin/document"
)

// node is a place in a YAML document; the zero node is one that is not there.
type node struct{ n *yaml.Node }

// real follows an alias. A chain of them cannot be long: an alias names a node, not
// another alias.
func (n node) real() *yaml.Node {
	if n.n != nil && n.n.Kind == yaml.AliasNode {
		return n.n.Alias
	}
	return n.n
}

func (n node) get(path ...string) node {
	for _, key := range path {
		r := n.real()
		if r == nil || r.Kind != yaml.MappingNode {
			return node{}
		}
		n = node{}
		for i := 0; i+1 < len(r.Content); i += 2 {
			if r.Content[i].Value == key {
				n = node{r.Content[i+1]}
			}
		}
	}
	return n
}

const maxItems = 1000

func (n node) list() []node {
	r := n.real()
	if r == nil || r.Kind != yaml.SequenceNode {
		return nil
	}
	out := make([]node, 0, len(r.Content))
	for _, c := range r.Content[:min(len(r.Content), maxItems)] {
		out = append(out, node{c})
	}
	return out
}

func (n node) text() string {
	if r := n.real(); r != nil && r.Kind == yaml.ScalarNode && r.Tag != "!!null" {
		return document.Line(r.Value, 300)
	}
	return ""
}

func (n node) flag() (value, known bool) {
	r := n.real()
	if r == nil || r.Kind != yaml.ScalarNode || r.Tag != "!!bool" {
		return false, false
	}
	v, err := strconv.ParseBool(r.Value)
	return v, err == nil
}

func (n node) number() (int64, bool) {
	r := n.real()
	if r == nil || r.Kind != yaml.ScalarNode || r.Tag != "!!int" {
		return 0, false
	}
	v, err := strconv.ParseInt(r.Value, 0, 64)
	return v, err == nil
}

// podSpecs says where each kind keeps the specification of its pods.
var podSpecs = map[string][]string{
	"Pod": {"spec"}, "PodTemplate": {"template", "spec"}, "CronJob": {"spec", "jobTemplate", "spec", "template", "spec"},
	"Deployment": {"spec", "template", "spec"}, "StatefulSet": {"spec", "template", "spec"}, "DaemonSet": {"spec", "template", "spec"},
	"ReplicaSet": {"spec", "template", "spec"}, "ReplicationController": {"spec", "template", "spec"}, "Job": {"spec", "template", "spec"},
}

func (m *manifest) object(o node, start int) error {
	kind := o.get("kind").text()
	where, ok := podSpecs[kind]
	if !ok {
		return nil
	}
	line := start
	if r := o.real(); r != nil {
		line += r.Line - 1
	}
	name := o.get("metadata", "name").text()
	if name == "" {
		name = o.get("metadata", "generateName").text()
	}
	if name == "" {
		m.problem(line, "a "+kind+" without a name")
		return nil
	}
	data := map[string]any{
		"format": "kubernetes", "kind": kind, "name": name, "file": m.file, "line": int64(line), "resource": kind + "/" + name,
	}
	locus := m.file + "#" + kind + "/" + name
	if ns := o.get("metadata", "namespace").text(); ns != "" {
		data["namespace"] = ns
		locus = m.file + "#" + ns + "/" + kind + "/" + name
	}
	if spec := o.get(where...); spec.real() != nil && spec.real().Kind == yaml.MappingNode {
		pod(spec, data)
	} else {
		m.problem(line, kind+" "+name+" has no pod specification")
	}
	return m.out.Fact(gyre.Fact{Asset: ref, Aspect: gyre.AspectIaC, Locus: locus, Data: data})
}

// pod takes what decides how much a pod can do to its node (Kubernetes API v1,
// PodSpec and SecurityContext).
func pod(spec node, data map[string]any) {
	for field, key := range map[string]string{"hostNetwork": "host_network", "hostPID": "host_pid", "hostIPC": "host_ipc"} {
		v, _ := spec.get(field).flag()
		data[key] = v
	}
	privileged, anyRoot, allKnown := false, false, true
	images := []any{}
	containers := 0
	for _, list := range []string{"initContainers", "containers", "ephemeralContainers"} {
		for _, c := range spec.get(list).list() {
			containers++
			if p, _ := c.get("securityContext", "privileged").flag(); p {
				privileged = true
			}
			root, known := runsAsRoot(spec, c)
			anyRoot = anyRoot || root
			allKnown = allKnown && known
			if image := c.get("image").text(); image != "" && list == "containers" {
				images = append(images, image)
			}
		}
	}
	if containers == 0 {
		return
	}
	data["privileged"] = privileged
	if anyRoot || allKnown {
		data["run_as_root"] = anyRoot
	}
	if len(images) > 0 {
		data["image"] = images[0]
	}
	if len(images) > 1 {
		data["images"] = images
	}
	paths := []any{}
	for _, v := range spec.get("volumes").list() {
		if p := v.get("hostPath", "path").text(); p != "" {
			paths = append(paths, p)
		}
	}
	data["host_paths"] = paths
}

// runsAsRoot: the container's own setting wins over the pod's.
func runsAsRoot(spec, container node) (root, known bool) {
	for _, at := range []node{container.get("securityContext"), spec.get("securityContext")} {
		if uid, ok := at.get("runAsUser").number(); ok {
			return uid == 0, true
		}
	}
	for _, at := range []node{container.get("securityContext"), spec.get("securityContext")} {
		if v, ok := at.get("runAsNonRoot").flag(); ok {
			return false, v // true makes the node refuse root; false says nothing of the image
		}
	}
	return false, false
}
