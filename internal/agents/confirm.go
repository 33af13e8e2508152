package agents

import (
	"context"
	"sync"
	"time"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
)

const (
	// parallelConfirms bounds the sessions with confirmations under way, and
	// waitingConfirms those that wait in each. What comes beyond that is dropped.
	parallelConfirms = 256
	waitingConfirms  = 16

	confirmAttempts = 4
	confirmPause    = time.Second      // before the second attempt, and twice that before each other
	confirmPatience = 30 * time.Second // a provider that asks for more is left alone
)

// Confirms shows providers' humans what became of what they did: of each session
// one thing at a time, in the order in which it was told. It is a [handoff.Confirmer].
type Confirms struct {
	agents *Service
	ctx    context.Context // done when the program stops
	kinds  map[string]bool // that show such

	mu    sync.Mutex
	lanes map[string][]confirmation // by session, while one is under way
	group sync.WaitGroup
}

type confirmation struct {
	session handoff.Session
	inbound handoff.Inbound
	late    bool
}

var _ handoff.Confirmer = (*Confirms)(nil)

// NewConfirms returns a Confirms, which works until ctx is done.
func NewConfirms(ctx context.Context, agents *Service) *Confirms {
	x := &Confirms{agents: agents, ctx: ctx, kinds: map[string]bool{}, lanes: map[string][]confirmation{}}
	for _, k := range agents.kinds {
		if d := k.Describe(); d.Confirms {
			x.kinds[d.Name] = true
		}
	}
	return x
}

// Confirm implements handoff.Confirmer.
func (x *Confirms) Confirm(s handoff.Session, in handoff.Inbound, late bool) {
	if !x.kinds[s.Provider] || x.ctx.Err() != nil {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	lane, busy := x.lanes[s.ID]
	if busy && len(lane) >= waitingConfirms || !busy && len(x.lanes) >= parallelConfirms {
		return
	}
	x.lanes[s.ID] = append(lane, confirmation{s, in, late})
	if !busy {
		x.group.Go(func() { x.run(s.ID) })
	}
}

// Wait returns once nothing is under way any more, after ctx was done.
func (x *Confirms) Wait() { x.group.Wait() }

func (x *Confirms) run(sessionID string) {
	for {
		c, ok := x.next(sessionID)
		if !ok {
			return
		}
		x.show(c)
	}
}

// next takes what waits of a session, or ends its lane.
func (x *Confirms) next(sessionID string) (confirmation, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	lane := x.lanes[sessionID]
	if len(lane) == 0 {
		delete(x.lanes, sessionID)
		return confirmation{}, false
	}
	x.lanes[sessionID] = lane[1:]
	return lane[0], true
}

// show makes the call, and again if that may help. The connection logs each.
func (x *Confirms) show(c confirmation) {
	conn, err := x.agents.conn(x.ctx, c.session.ConnectionID)
	if err != nil {
		return
	}
	call := provider.Call{SessionID: c.session.ID, AgentID: c.session.AgentID, Ref: c.session.Ref, Time: x.agents.now()}
	for attempt := range confirmAttempts {
		err := conn.Confirm(x.ctx, call, c.inbound, c.late)
		class, wait := provider.ClassOf(err), max(provider.WaitOf(err), confirmPause<<attempt)
		passing := class == provider.ClassTransient || class == provider.ClassRateLimited
		if err == nil || !passing || wait > confirmPatience || attempt == confirmAttempts-1 {
			return
		}
		select {
		case <-x.ctx.Done():
			return
		case <-time.After(wait):
		}
		call.Repeat = true
	}
}
