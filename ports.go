// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package gyre

import (
	"slices"
	"strconv"
	"strings"
)

// DefaultPorts are the TCP ports that a target without a port list stands for:
// those that carry administration, mail, files, directories, data stores,
// container engines and web servers.
func DefaultPorts() []uint16 {
	ports := []uint16{
		21, 22, 23, 25, 53, 80, 81, 88, 110, 111, 113, 135, 139, 143, 179, 389, 443, 445, 465, 512, 513, 514, 515, 548,
		554, 587, 631, 636, 646, 873, 902, 989, 990, 993, 995, 1080, 1099, 1433, 1521, 1723, 1883, 2000, 2049, 2121, 2181,
		2222, 2375, 2376, 2379, 2380, 3000, 3128, 3268, 3269, 3306, 3389, 4369, 4443, 4444, 4567, 4848, 5000, 5001, 5060,
		5222, 5353, 5432, 5555, 5601, 5672, 5800, 5900, 5901, 5984, 5985, 5986, 6000, 6379, 6443, 6667, 7001, 7077, 7474,
		7687, 8123, 8140, 8161, 8200, 8333, 8443, 8500, 8600, 8686, 8834, 8888, 9000, 9001, 9042, 9090, 9091, 9092, 9100,
		9200, 9300, 9418, 9443, 9999, 10000, 10250, 10255, 11211, 15672, 25565, 27017, 27018, 28017, 50000, 50070, 61616,
	}
	for p := uint16(8000); p <= 8100; p++ {
		ports = append(ports, p)
	}
	slices.Sort(ports)
	return ports
}

// ParsePorts reads a list of ports and ranges, "22,80,8000-8100", into
// ascending ports without repetition. An empty list is DefaultPorts.
func ParsePorts(list string) ([]uint16, error) {
	if strings.TrimSpace(list) == "" {
		return DefaultPorts(), nil
	}
	const maxParts = 2048
	parts := strings.Split(list, ",")
	if len(parts) > maxParts {
		return nil, Errorf(TooLarge, "the list of ports has more than %d parts", maxParts)
	}
	var set [1 << 16]bool
	for _, part := range parts {
		from, to, isRange := strings.Cut(strings.TrimSpace(part), "-")
		if !isRange {
			to = from
		}
		lo, err := parsePort(from)
		if err != nil {
			return nil, err
		}
		hi, err := parsePort(to)
		if err != nil {
			return nil, err
		}
		if lo > hi {
			return nil, Errorf(Invalid, "port range %q runs backwards", part)
		}
		for p := int(lo); p <= int(hi); p++ {
			set[p] = true
		}
	}
	var ports []uint16
	for p := 1; p < len(set); p++ {
		if set[p] {
			ports = append(ports, uint16(p))
		}
	}
	return ports, nil
}

func parsePort(s string) (uint16, error) {
	s = strings.TrimSpace(s)
	p, err := strconv.ParseUint(s, 10, 16)
	if err != nil || p == 0 {
		return 0, Errorf(Invalid, "%q is not a port: 1 to 65535 was expected", s)
	}
	return uint16(p), nil
}
