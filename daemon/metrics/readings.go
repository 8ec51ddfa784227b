package metrics

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// Readings takes the numbers of one moment.
type Readings struct{ out chan<- prometheus.Metric }

// Put tells a number. Not as many labels as the metric has is a programmer's error.
func (r *Readings) Put(m *Metric, value float64, labels ...string) {
	c, err := prometheus.NewConstMetric(m.desc, m.Kind, value, labels...)
	if err != nil {
		panic(fmt.Sprintf("metrics: %s: %v", m.Name, err))
	}
	r.out <- c
}

// Flag tells whether something is so.
func (r *Readings) Flag(m *Metric, is bool, labels ...string) {
	value := 0.0
	if is {
		value = 1
	}
	r.Put(m, value, labels...)
}

// collector is the table as Prometheus' library asks for it.
type collector struct{ read func(*Readings) }

func (c collector) Describe(out chan<- *prometheus.Desc) {
	for _, m := range table {
		out <- m.desc
	}
}

func (c collector) Collect(out chan<- prometheus.Metric) { c.read(&Readings{out}) }
