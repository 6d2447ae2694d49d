// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package httpapi

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/gyre-ctem/gyre/internal/audit"
)

// metrics counts requests.
type metrics struct {
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
}

func newMetrics(reg *prometheus.Registry, g Gauges, lines *audit.Log) *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gyre_http_requests_total", Help: "Requests by operation, method and status.",
		}, []string{"route", "method", "status"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "gyre_http_request_duration_seconds", Help: "How long requests took, by operation.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10, 60},
		}, []string{"route"}),
	}
	register(reg, m.requests, m.duration, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "gyre_audit_failures_total", Help: "Lines of the audit log that could not be stored.",
		}, func() float64 { return float64(lines.Failures()) }))
	if g != nil {
		register(reg, gaugeCollector{g})
	}
	return m
}

// register keeps what is registered already: a process may make several
// handlers over one registry.
func register(reg *prometheus.Registry, all ...prometheus.Collector) {
	for _, c := range all {
		err := reg.Register(c)
		if _, twice := errors.AsType[prometheus.AlreadyRegisteredError](err); err != nil && !twice {
			panic("httpapi: register metrics: " + err.Error())
		}
	}
}

// methods bounds the values of a label that the caller chooses.
var methods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

func (m *metrics) observe(route, method string, status int, took time.Duration) {
	if route == "" {
		route = "none"
	}
	if !slices.Contains(methods, method) {
		method = "other"
	}
	m.requests.WithLabelValues(route, method, strconv.Itoa(status)).Inc()
	m.duration.WithLabelValues(route).Observe(took.Seconds())
}

// gaugeCollector asks for the gauges when they are scraped.
type gaugeCollector struct{ gauges Gauges }

// gaugeTimeout bounds how long a scrape waits for the database.
const gaugeTimeout = 5 * time.Second

// Describe implements prometheus.Collector; what there is shows when collected.
func (gaugeCollector) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (c gaugeCollector) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), gaugeTimeout)
	defer cancel()
	all, err := c.gauges.Gauges(ctx)
	if err != nil {
		out <- prometheus.NewInvalidMetric(prometheus.NewDesc("gyre_gauges", "Numbers of the estate.", nil, nil), err)
		return
	}
	for _, g := range all {
		names := slices.Sorted(maps.Keys(g.Labels))
		values := make([]string, len(names))
		for i, n := range names {
			values[i] = g.Labels[n]
		}
		m, err := prometheus.NewConstMetric(prometheus.NewDesc(g.Name, g.Help, names, nil), prometheus.GaugeValue, g.Value, values...)
		if err != nil {
			m = prometheus.NewInvalidMetric(prometheus.NewDesc(g.Name, g.Help, names, nil), err)
		}
		out <- m
	}
}
