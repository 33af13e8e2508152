package chaos_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// fault is what happens to the server or to its vendor.
type fault string

// Faults of the server are over before the next step begins; weather at the
// vendor goes on while other things happen, a kill among them.
const (
	kill        fault = "kill"         // SIGKILL
	killTwice   fault = "kill twice"   // and again while it starts
	killStopped fault = "kill stopped" // SIGSTOP, then SIGKILL
	killFull    fault = "kill full"    // SIGKILL while the disk is full
	stop        fault = "stop"         // SIGSTOP, later SIGCONT
	terminate   fault = "terminate"    // SIGTERM, as at an update
	full        fault = "full disk"

	down    fault = "vendor down"    // refuses connections, cuts those that it has
	slow    fault = "vendor slow"    // answers late
	errors5 fault = "vendor errors"  // 503
	storm   fault = "429 storm"      // with Retry-After
	cuts    fault = "vendor cuts"    // takes the call, then cuts the connection
	silence fault = "vendor silence" // takes the call and never answers
)

var (
	kills   = []fault{kill, kill, kill, kill, killTwice, killStopped, killFull}
	weather = []fault{down, slow, errors5, storm, cuts, silence}
	others  = append([]fault{stop, terminate, full}, weather...)
)

// step is one fault and when it comes.
type step struct {
	After int           // acknowledged messages since the step before
	Fault fault         //
	For   time.Duration // how long it lasts
	Share int           // of the vendor's calls that it hits, in percent
}

func (s step) isKill() bool { return strings.HasPrefix(string(s.Fault), "kill") }

func (s step) String() string {
	return fmt.Sprintf("after %d: %s for %s (%d %%)", s.After, s.Fault, s.For, s.Share)
}

// plan is a whole run. It follows from the seed and the size alone.
type plan struct {
	Seed     uint64
	Messages int
	Kills    int
	Steps    []step
}

// newPlan spreads kills and, for every two of them, one of each other thing
// over the messages, in a random order.
func newPlan(seed uint64, messages, killed int) plan {
	random := rand.New(rand.NewPCG(seed, 0))
	p := plan{Seed: seed, Messages: messages, Kills: killed}
	for left := killed; left > 0; left-- {
		f := kills[random.IntN(len(kills))]
		if len(p.Steps) < 4 {
			f = kills[3+len(p.Steps)] // each kind at least once
		}
		if f == killTwice && left == 1 {
			f = kill
		}
		if f == killTwice {
			left-- // counts twice
		}
		p.Steps = append(p.Steps, step{Fault: f})
	}
	for i := range max(len(others), killed/2) {
		p.Steps = append(p.Steps, step{Fault: others[i%len(others)]})
	}
	random.Shuffle(len(p.Steps), func(i, j int) { p.Steps[i], p.Steps[j] = p.Steps[j], p.Steps[i] })
	each := messages * 2 / 3 / (len(p.Steps) + 1) // the others come while something happens
	for i := range p.Steps {
		s := &p.Steps[i]
		s.After = 1 + random.IntN(max(1, 2*each))
		s.For = 200*time.Millisecond + time.Duration(random.Int64N(int64(1300*time.Millisecond)))
		s.Share = 20 + random.IntN(80)
		if s.Fault == silence {
			s.Share = 1 + random.IntN(3) // each one holds its session up for 15 s
		}
	}
	return p
}

// String prints the plan; equal seeds give equal plans.
func (p plan) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d: %d messages, %d kills, %d steps\n", p.Seed, p.Messages, p.Kills, len(p.Steps))
	for i, s := range p.Steps {
		fmt.Fprintf(&b, "%4d  %s\n", i, s)
	}
	return b.String()
}

// script is what happens in one session. It follows from the seed and the
// session's number alone.
type script struct {
	Conversation string
	Messages     int   // of each writer
	Writers      int   // that send at the same time
	Streams      int   // that read along
	Replies      []int // how the human sends each one: one of the constants below
	LateReplies  int   // after the close
	End          int   // who closes: one of the constants below
	random       *rand.Rand
}

// Ways of a human's message.
const (
	sendOnce    = iota
	sendTwice   // again after the answer
	sendAtOnce  // twice at the same time
	sendSwapped // after the one that follows
	waysOfReply
)

// Ends of a session.
const (
	endOpen = iota // nobody closes it
	endCustomer
	endHuman
)

// newScript makes the script of the nth session.
func newScript(seed uint64, n int) script {
	random := rand.New(rand.NewPCG(seed, 1+uint64(n)))
	s := script{
		Conversation: fmt.Sprintf("conversation-%d", n),
		Writers:      1 + random.IntN(2),
		Streams:      1 + random.IntN(2),
		LateReplies:  random.IntN(3),
		End:          endCustomer,
		random:       random,
	}
	s.Messages = (10 + random.IntN(50)) / s.Writers
	for range random.IntN(12) {
		s.Replies = append(s.Replies, random.IntN(waysOfReply))
	}
	switch dice := random.IntN(100); {
	case dice < 3:
		s.End = endOpen
	case dice < 30:
		s.End = endHuman
	}
	return s
}
