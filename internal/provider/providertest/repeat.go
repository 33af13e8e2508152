package providertest

import (
	"fmt"
	"strings"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider/emulator"
)

// maxSteps is how many calls an adapter may make for one thing.
const maxSteps = 15

// cuts are the ways in which a call is lost: before it was worked on, and after.
var cuts = map[string]emulator.Fault{
	"before the work": {Cut: true, Once: true},
	"after the work":  {Cut: true, Once: true, Done: true},
}

// repeatedStart loses each call of a start in turn, and repeats the start.
func repeatedStart(e *env) {
	t := e.t
	if e.h.Traits.Marked {
		e.why = e.h.Traits.Twice
	}
	for name, fault := range cuts {
		for step := range maxSteps {
			begin := someStart()
			begin.Customer.UserID = fmt.Sprintf("user %s %d", name, step)
			begin.Customer.Email = fmt.Sprintf("%s.%d@example.com", strings.ReplaceAll(name, " ", "."), step)
			fault.Skip = step
			before := len(e.vendor.Sessions())
			c := e.newCall()
			e.server.Fail(fault)
			ref, err := e.desk.Open(t.Context(), c, begin)
			through := !e.server.Heal()
			e.saw(err)
			if err != nil { // else the HTTP client has repeated the call, as it does with some
				c.Repeat, c.Ref.Data = true, e.kept[c.SessionID]
				err = e.again(t, func() (err error) {
					ref, err = e.desk.Open(t.Context(), c, begin)
					e.saw(err)
					return err
				})
				require.NoError(t, err, "%s of call %d", name, step)
			}
			require.Len(t, e.vendor.Sessions(), before+1, "%s of call %d", name, step)
			c.Ref = ref
			s := e.seen(t, c)
			assert.Equal(t, 1, e.times(strings.Count(s.Context, begin.Question), fault), "%s of call %d: %s", name, step, s.Context)
			assert.Empty(t, s.Messages(), "%s of call %d", name, step)
			assert.Equal(t, 1, e.times(strings.Count(s.Context, begin.Transcript[0].Text), fault), "%s of call %d: %s", name, step, s.Context)
			assertNoTwins(e, s.Lines, fault)
			if through {
				break
			}
		}
	}
}

// repeatedMessage loses the second of two equal messages, and repeats it.
func repeatedMessage(e *env) {
	t := e.t
	if e.h.Traits.Marked {
		e.why = e.h.Traits.Twice
	}
	for name, fault := range cuts {
		c := e.open(t)
		c.IdempotencyKey = c.SessionID + "-1"
		require.Nil(t, e.send(t, c, "hello?"))
		c.IdempotencyKey = c.SessionID + "-2"
		e.server.Fail(fault)
		cut := e.send(t, c, "hello?")
		e.server.Heal()
		if cut != nil { // else the HTTP client has repeated it
			c.Repeat = true
			require.NoError(t, e.again(t, func() error {
				if err := e.send(t, c, "hello?"); err != nil {
					return err
				}
				return nil
			}))
		}
		c.IdempotencyKey, c.Repeat = c.SessionID+"-3", false
		require.Nil(t, e.send(t, c, "hello?"))
		s := e.seen(t, c)
		if fault.Done && e.mayRepeat() && len(s.Messages()) == 4 {
			e.why = e.h.Traits.Twice
			continue
		}
		assert.Equal(t, []string{"hello?", "hello?", "hello?"}, s.Messages(), name)
	}
}

func repeatedClose(e *env) {
	t := e.t
	if !e.caps.CanClose {
		e.why = "the desk is not told of ends"
		return
	}
	if e.h.Traits.Marked {
		e.why = e.h.Traits.Twice
	}
	for name, fault := range cuts {
		for step := range maxSteps {
			c := e.open(t)
			c.IdempotencyKey = c.SessionID + "-close"
			fault.Skip = step
			e.server.Fail(fault)
			err := e.desk.Close(t.Context(), c, handoff.ClosedByCustomer)
			through := !e.server.Heal()
			e.saw(err)
			if err != nil {
				c.Repeat = true
				err = e.again(t, func() error {
					err := e.desk.Close(t.Context(), c, handoff.ClosedByCustomer)
					e.saw(err)
					return err
				})
				require.NoError(t, err, "%s of call %d", name, step)
			}
			s := e.seen(t, c)
			assert.Equal(t, e.h.Traits.CloseAs[handoff.ClosedByCustomer], s.Closed, "%s of call %d", name, step)
			assertNoTwins(e, s.Lines, fault)
			if through {
				break
			}
		}
	}
}

// mayRepeat reports whether the desk may show a thing twice, and not say so.
func (e *env) mayRepeat() bool { return e.h.Traits.Twice != "" && !e.h.Traits.Marked }

// times returns how often something may be said to stand at the desk: once, where
// the vendor may show what it had done before the answer was lost a second time.
func (e *env) times(count int, lost emulator.Fault) int {
	if count == 2 && lost.Done && e.mayRepeat() {
		e.why = e.h.Traits.Twice
		return 1
	}
	return count
}

// assertNoTwins checks that nothing stands at the desk twice.
func assertNoTwins(e *env, lines []emulator.Line, lost emulator.Fault) {
	if lost.Done && e.mayRepeat() {
		return
	}
	seen := map[emulator.Line]bool{}
	for _, line := range lines {
		assert.False(e.t, line.Again && !e.h.Traits.Marked, "again: %s", line.Text)
		assert.False(e.t, seen[line], "twice: %s", line.Text)
		seen[line] = true
	}
}
