// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package projection

import (
	"cmp"
	"math"
	"math/bits"
	"slices"

	"github.com/gyre-ctem/gyre/internal/expr"
)

// condition is a filter bound to a table. Each part that speaks of one dimension
// has been evaluated for the dimension's codes, and looks rows up.
type condition struct {
	join  expr.Join
	parts []*condition
	// find sets in out the rows of mask for which a leaf holds. out may be mask.
	find func(mask, out rowset)
	// cost is what find does for a row, in look-ups; share is a guess at how many
	// rows it finds.
	cost, share float64
}

// What evaluating an expression for one row costs, in look-ups, and comparing its
// risk with the appetite of its asset.
const (
	costOfRow  = 20
	costOfOver = 4
)

func (t *table) bind(c *expr.Cond) (*condition, error) {
	if c.Join == expr.Leaf {
		return t.bindLeaf(c)
	}
	out := &condition{join: c.Join, share: 1}
	missed := 1.0
	for _, part := range c.Parts {
		p, err := t.bind(part)
		if err != nil {
			return nil, err
		}
		out.parts = append(out.parts, p)
		out.cost += p.cost
		out.share *= p.share
		missed *= 1 - p.share
	}
	switch c.Join {
	case expr.And: // what is cheap and finds little comes first
		slices.SortStableFunc(out.parts, func(a, b *condition) int {
			return cmp.Compare(a.cost/(1.001-a.share), b.cost/(1.001-b.share))
		})
	case expr.Or: // what is cheap and finds much comes first
		out.share = 1 - missed
		slices.SortStableFunc(out.parts, func(a, b *condition) int {
			return cmp.Compare(a.cost/(0.001+a.share), b.cost/(0.001+b.share))
		})
	case expr.Not:
		out.share = missed
	}
	return out, nil
}

func (t *table) bindLeaf(leaf *expr.Cond) (*condition, error) {
	f := leaf.Filter
	if v, ok := f.Constant(); ok {
		if v {
			return &condition{find: func(mask, out rowset) { copy(out, mask) }, share: 1}, nil
		}
		return &condition{find: func(_, out rowset) { clear(out) }}, nil
	}
	dim := dimNone
	for i, name := range f.Fields() {
		v, _ := t.field(name)
		if i > 0 && v.dim != dim {
			return t.bindRows(f)
		}
		dim = v.dim
	}
	if dim == dimRisk {
		if c, ok := f.Comparison(); ok && !math.IsNaN(c.Value) {
			return t.bindRisk(c), nil
		}
		return t.bindRows(f)
	}
	found, err := t.evaluate(leaf, dim)
	if err != nil {
		return nil, err
	}
	c := &condition{cost: 1, share: float64(found.count()) / float64(max(t.size(dim), 1))}
	if dim == dimOver {
		c.cost = costOfOver
	}
	if dim == t.rowsAre {
		c.find = func(mask, out rowset) {
			for i := range mask {
				out[i] = mask[i] & found[i]
			}
		}
		return c, nil
	}
	c.find = t.lookUp(dim, found)
	return c, nil
}

// bindRows evaluates for each row.
func (t *table) bindRows(f *expr.Filter) (*condition, error) {
	match, err := f.Bind(rowColumns{t: t})
	if err != nil {
		return nil, err
	}
	return &condition{cost: costOfRow, share: 0.5, find: func(mask, out rowset) {
		match := match
		if mask.count() > t.rows/4 {
			if m, err := f.Bind(rowColumns{t: t, tabled: true}); err == nil { // as it was above
				match = m
			}
		}
		for i, w := range mask {
			if i%pageWords == 0 {
				giveWay()
			}
			found := uint64(0)
			for ; w != 0; w &= w - 1 {
				bit := bits.TrailingZeros64(w)
				if match(i<<6 + bit) {
					found |= 1 << bit
				}
			}
			out[i] = found
		}
	}}, nil
}

// evaluate finds the codes of a dimension for which a leaf holds.
func (t *table) evaluate(leaf *expr.Cond, dim dimension) (rowset, error) {
	m := t.s.memo(dim)
	for _, name := range leaf.Filter.Fields() {
		if v, _ := t.field(name); v.ofFacts {
			m = nil
		}
	}
	if leaf.Filter.UsesNow() {
		m = nil
	}
	return recall(m, func(m *memo) *remembered[rowset] { return &m.found }, t.schema.Name+" "+leaf.Key(), maxFound, func() (rowset, error) {
		return t.evaluateAll(leaf, dim)
	})
}

func (t *table) evaluateAll(leaf *expr.Cond, dim dimension) (rowset, error) {
	f, n := leaf.Filter, t.size(dim)
	found := newRowset(n)
	if names := f.Fields(); len(names) == 1 {
		if v, _ := t.field(names[0]); v.textOf != nil || v.setOf != nil {
			return found, t.evaluateOnce(leaf, v, names[0], found)
		}
	}
	match, err := f.Bind(dimColumns{t.fields, dim})
	if err != nil {
		return nil, err
	}
	for code := range n {
		if match(code) {
			found.put(uint32(code)) // #nosec -- fewer than 2^32 codes
		}
	}
	return found, nil
}

// evaluateOnce evaluates a leaf over one field of texts or sets once for each
// text or set. What is found out about texts is remembered for later states, too:
// the same text has the same code in all of them.
func (t *table) evaluateOnce(leaf *expr.Cond, v value, field string, found rowset) error {
	match, err := leaf.Filter.Bind(innerColumns{v, field})
	if err != nil {
		return err
	}
	inner, known := v.setOf, []verdict(nil)
	remember := v.dict != nil && !leaf.Filter.UsesNow()
	switch {
	case remember:
		inner, known = v.textOf, v.dict.ranks.recall(leaf.Key(), v.dict.len())
	case v.dict != nil:
		inner, known = v.textOf, make([]verdict, v.dict.len())
	default:
		known = make([]verdict, v.sets)
	}
	learnt := false
	for code := range uint32(t.size(v.dim)) { // #nosec -- fewer than 2^32 codes
		in := inner(code)
		if known[in] == unknown {
			known[in], learnt = fails+verdict(oneIf(match(int(in)))), true
		}
		if known[in] == holds {
			found.put(code)
		}
	}
	if remember && learnt {
		v.dict.ranks.remember(leaf.Key(), known)
	}
	return nil
}

// innerColumns shows the texts of a dictionary, or sets, as rows.
type innerColumns struct {
	v    value
	name string
}

// Text implements expr.Columns.
func (c innerColumns) Text(field string) func(int) string {
	if field != c.name || c.v.dict == nil {
		return nil
	}
	return byRow(c.v.dict.at)
}

// TextList implements expr.Columns.
func (c innerColumns) TextList(field string) func(int) []string {
	if field != c.name || c.v.items == nil {
		return nil
	}
	return byRow(c.v.items())
}

// Bool implements expr.Columns.
func (innerColumns) Bool(string) func(int) bool { return nil }

// Number implements expr.Columns.
func (innerColumns) Number(string) func(int) float64 { return nil }

// Time implements expr.Columns.
func (innerColumns) Time(string) func(int) int64 { return nil }

// run returns the rows of mask for which the condition holds, in a set of its own.
func (c *condition) run(mask rowset) rowset {
	out := make(rowset, len(mask))
	switch c.join {
	case expr.And:
		copy(out, mask)
		for _, p := range c.parts {
			if p.join == expr.Leaf {
				p.find(out, out)
			} else {
				out = p.run(out)
			}
		}
	case expr.Or:
		rest := slices.Clone(mask)
		for _, p := range c.parts {
			found := p.run(rest)
			for i, w := range found {
				out[i] |= w
				rest[i] &^= w
			}
		}
	case expr.Not:
		found := c.parts[0].run(mask)
		for i, w := range found {
			out[i] = mask[i] &^ w
		}
	default:
		c.find(mask, out)
	}
	return out
}
