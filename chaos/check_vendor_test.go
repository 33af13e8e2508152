package chaos_test

import "time"

// checkLedger checks that the ledger lists what the log asks for, and that
// everything in it has come to an end.
func (c *checker) checkLedger() {
	want := []entry{{Kind: "start"}}
	reason := ""
	for _, e := range c.session.Log {
		if e.isMessage() && !e.Human {
			want = append(want, entry{Kind: "message", MessageID: e.MessageID})
		}
		if e.State == "CLOSED" {
			reason = e.Reason
		}
	}
	if reason != "" && reason != "HUMAN" {
		want = append(want, entry{Kind: "close"})
	}
	ledger := c.session.Ledger
	if len(ledger) != len(want) {
		c.findf("ledger: %d deliveries, where the log asks for %d", len(ledger), len(want))
	}
	for i, e := range ledger {
		if i < len(want) && (e.Kind != want[i].Kind || e.MessageID != want[i].MessageID) {
			c.findf("ledger: delivery %d is %s %s, where the log has %s %s", i+1, e.Kind, e.MessageID, want[i].Kind, want[i].MessageID)
			return
		}
		switch {
		case e.State == "pending":
			c.findf("ledger: %s %s was never settled, after %d attempts", e.Kind, e.MessageID, e.Attempts)
		case e.Attempts < 1:
			c.findf("ledger: %s %s is %s without an attempt", e.Kind, e.MessageID, e.State)
		case e.Kind == "message":
			c.checkStatus(e, reason != "")
		}
	}
}

// checkStatus checks that the log tells what became of a message: once, and not
// after the close.
func (c *checker) checkStatus(e entry, closed bool) {
	told := c.statuses[e.MessageID]
	switch {
	case len(told) == 0 && closed:
	case len(told) != 1:
		c.findf("log: what became of %s is told %d times", e.MessageID, len(told))
	case told[0].Sequence < c.messages[e.MessageID].Sequence:
		c.findf("log: what became of %s comes before it", e.MessageID)
	case told[0].Status == "FAILED" != (e.State == "failed"):
		c.findf("log: %s is %s, and in the ledger %s", e.MessageID, told[0].Status, e.State)
	}
}

// checkVendor checks what the vendor got of the session: each delivery, one after
// the other in the order of the ledger, again only with a reason, and with an
// end that the ledger agrees with.
func (c *checker) checkVendor() {
	place := map[string]int{}
	for i, e := range c.session.Ledger {
		place[e.ID] = i
	}
	next := 0 // place of the delivery that is due
	var before *call
	ends := make([]*call, len(c.session.Ledger))
	for _, now := range c.calls {
		at, known := place[now.Key]
		switch {
		case !known:
			c.findf("vendor: key %s of %s %q belongs to no delivery", now.Key, now.Path, now.Text)
			continue
		case at > next:
			c.findf("vendor: %q came before %s", now.Text, c.session.Ledger[next].MessageID)
		case before != nil && at < place[before.Key]:
			c.findf("vendor: %q came again after %q", now.Text, before.Text)
		}
		next = max(next, at+1)
		c.checkCall(now, c.session.Ledger[at])
		if before != nil {
			c.checkPair(before, now)
		}
		before, ends[at] = now, now
	}
	for i, e := range c.session.Ledger {
		c.checkEnd(e, ends[i])
	}
}

// checkCall checks that a call is what its delivery says.
func (c *checker) checkCall(now *call, e entry) {
	path := map[string]string{"start": "/conversation/establish", "message": "/chat", "close": "/conversation/close"}[e.Kind]
	switch {
	case now.Path != path:
		c.findf("vendor: key %s of a %s came on %s", now.Key, e.Kind, now.Path)
	case e.Kind == "message" && now.Text != c.messages[e.MessageID].Text:
		c.findf("vendor: key %s came with %q instead of %q", now.Key, now.Text, c.messages[e.MessageID].Text)
	case e.Kind == "close" && now.Type != "USER_CLOSED":
		c.findf("vendor: the close says %q", now.Type)
	}
}

// checkPair checks two calls of the session that follow one another.
func (c *checker) checkPair(before, now *call) {
	same := before.Process == now.Process
	if before.Key != now.Key {
		if same && before.Answered > now.Arrived {
			c.findf("vendor: %q came while %q was under way", now.Text, before.Text)
		}
		return
	}
	switch timeout := before.Took > giveUpAfter; {
	case before.Status == 0 || timeout:
		c.Withheld++
	case !isSuccess(before.Status) && !isRefusal(before.Status):
		c.Asked++
		pause := now.Time.Sub(before.Time.Add(before.Took))
		if same && pause < before.RetryAfter-5*time.Millisecond && now.Time.Before(c.record.Drain) {
			c.findf("vendor: %q came again after %s, where Retry-After was %s", now.Text, pause, before.RetryAfter)
		}
	case same:
		c.findf("vendor: %q was answered with %d and came again, from the same process", now.Text, before.Status)
	default:
		c.AfterDeath++
		c.PerDeath[before.Process]++
		c.checkDeath(before, now)
	}
}

// checkDeath checks that a call that was answered and came again had been under
// way, or not yet noted, when its process ended.
func (c *checker) checkDeath(before, now *call) {
	end := c.record.Deaths[before.Process]
	if at, told := c.settled[now.Key]; told && at.Before(end.At) {
		c.findf("vendor: %q came again, although a stream had told before the kill that it was delivered", now.Text)
	}
	if end.Asked && before.Took < stopGrace {
		c.findf("vendor: %q came again after a stop that should have waited for it", now.Text)
	}
}

// checkEnd checks that a delivery's last answer is what the ledger says.
func (c *checker) checkEnd(e entry, last *call) {
	what := e.MessageID
	if m, ok := c.messages[e.MessageID]; ok {
		what = m.Text
	}
	if last == nil {
		c.findf("vendor: never got the %s %q", e.Kind, what)
		return
	}
	if e.State == "failed" {
		c.Failed++
	}
	if e.State == "delivered" && !isSuccess(last.Status) || e.State == "failed" && !isRefusal(last.Status) {
		c.findf("ledger: the %s %q is %s, and the vendor's last answer was %d", e.Kind, what, e.State, last.Status)
	}
	if e.Kind != "message" {
		return
	}
	for _, s := range c.session.Sent {
		if s.Text == c.messages[e.MessageID].Text && s.Refused != (e.State == "failed") {
			c.findf("ledger: %q is %s", what, e.State)
		}
	}
}
