package provider

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// What is remembered of the people at a vendor's.
const (
	nameFor     = time.Hour   // how long a name holds
	namelessFor = time.Minute // how long one that was not told is not asked for again
	maxPeople   = 10_000      // beyond that all are asked for afresh

	// introduceIn is how long a webhook waits for names. Vendors want their answer
	// within three seconds.
	introduceIn = 1500 * time.Millisecond
)

// people remembers how a vendor's people are called.
type people struct {
	mu    sync.Mutex
	known map[string]person // by id
}

type person struct {
	name  string // empty = it was not told
	until time.Time
}

func (p *people) find(id string, now time.Time) (string, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	found, ok := p.known[id]
	return found.name, ok && now.Before(found.until)
}

func (p *people) keep(id, name string, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known == nil || len(p.known) >= maxPeople {
		p.known = map[string]person{}
	}
	wait := nameFor
	if name == "" {
		wait = namelessFor
	}
	p.known[id] = person{name, now.Add(wait)}
}

// introduce returns a webhook with the names that its adapter can use.
func (c *Conn) introduce(r Request) Request {
	i, ok := c.adapter.(Introducer)
	if !ok {
		return r
	}
	ids, err := contained(c, "read", func() ([]string, error) { return i.People(r), nil })
	if err != nil || len(ids) == 0 {
		return r
	}
	ctx, cancel := context.WithTimeout(context.Background(), introduceIn)
	defer cancel()
	r.Names = map[string]string{}
	for _, id := range ids {
		if name := c.nameOf(ctx, i, id); name != "" {
			r.Names[id] = name
		}
	}
	return r
}

func (c *Conn) nameOf(ctx context.Context, i Introducer, id string) string {
	if name, known := c.people.find(id, c.now()); known {
		return name
	}
	if ctx.Err() != nil {
		return ""
	}
	name := ""
	err := c.judge(ctx, "name", func(ctx context.Context) error {
		return c.guarded(ctx, "name", func(ctx context.Context) (err error) {
			name, err = i.Name(ctx, id)
			return err
		})
	})
	if err != nil {
		name = ""
		c.log.LogAttrs(ctx, slog.LevelInfo, "provider name", slog.String("class", string(err.Class)), slog.String("error", err.Summary()))
	}
	c.people.keep(id, name, c.now())
	return name
}
