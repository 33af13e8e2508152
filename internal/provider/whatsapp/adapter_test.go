package whatsapp_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/whatsapp"
	"github.com/human-handoff/handoff/internal/provider/whatsapp/whatsapptest"
)

// desk is an adapter on an emulator.
type desk struct {
	t        *testing.T
	emulator *whatsapptest.Emulator
	adapter  provider.Adapter
	now      time.Time

	mu     sync.Mutex
	noted  map[string][]string
	bodies []map[string]any // of messages, as they were sent
	failed []provider.Request
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{t: t, now: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC), noted: map[string][]string{}}
	d.emulator = whatsapptest.New(d.clock)
	d.emulator.Report(func(r provider.Request) {
		if strings.Contains(string(r.Body), `"failed"`) {
			d.failed = append(d.failed, r)
		}
	})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(strings.NewReader(string(data)))
		if strings.HasSuffix(r.URL.Path, "/messages") {
			var body map[string]any
			_ = json.Unmarshal(data, &body)
			d.mu.Lock()
			d.bodies = append(d.bodies, body)
			d.mu.Unlock()
		}
		d.emulator.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	d.adapter = d.open(server.URL)
	return d
}

func (d *desk) open(address string) provider.Adapter {
	d.t.Helper()
	a, err := whatsapp.Kind{}.Open(d.emulator.Config(address), provider.Deps{HTTP: http.DefaultClient, Files: d, Now: d.clock})
	require.NoError(d.t, err)
	return a
}

func (d *desk) clock() time.Time { return d.now }

// The two humans, as the adapter knows them.
const (
	ada   = "4915112345678"
	grace = "541112345678"
)

// call is a call of a session that a human has; empty = nobody.
func (d *desk) call(person string, heard ...string) provider.Call {
	c := provider.Call{
		SessionID: "ses_1", AgentID: "shop", IdempotencyKey: "key", Time: d.now, Ref: handoff.Ref{ID: "H7K3", Data: `{"customer":"Ann Lee"}`},
		Seat: provider.Seat{
			Tag: "H7K3", Person: person,
			Heard: func(context.Context, time.Time) (map[string]time.Time, error) {
				all := map[string]time.Time{}
				for _, phone := range heard {
					all[phone] = d.now
				}
				return all, nil
			},
			Noted: func(person, id string) {
				d.mu.Lock()
				defer d.mu.Unlock()
				d.noted[person] = append(d.noted[person], id)
			},
		},
	}
	return c
}

// kinds returns what was sent to whom: the kinds of content.
func (d *desk) kinds() map[string]string {
	d.mu.Lock()
	defer d.mu.Unlock()
	kinds := map[string]string{}
	for _, body := range d.bodies {
		kinds[fmt.Sprint(body["to"])] += fmt.Sprint(body["type"], " ")
	}
	d.bodies = nil
	return kinds
}

func someStart() handoff.Start {
	return handoff.Start{Customer: handoff.Customer{Name: "Ann Lee"}, Question: "Where is\nmy\t parcel?"}
}

// TestWindows: whoever has written of late gets a card, the others a template.
func TestWindows(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	ref, err := d.adapter.Open(t.Context(), d.call("", grace), someStart())
	require.NoError(t, err)
	require.Equal(t, handoff.Ref{ID: "H7K3", Data: `{"customer":"Ann Lee"}`}, ref)
	require.Equal(t, map[string]string{ada: "template ", grace: "interactive "}, d.kinds())
	require.Len(t, d.noted[ada], 1)
	require.Len(t, d.noted[grace], 1)

	// What Meta says counts, even when it says so late.
	d.emulator.CloseWindows()
	_, err = d.adapter.Open(t.Context(), d.call("", ada, grace), someStart())
	require.NoError(t, err)
	require.Equal(t, map[string]string{ada: "interactive ", grace: "interactive "}, d.kinds())
	require.Len(t, d.failed, 2)
	_, inbound, err := d.adapter.Parse(d.failed[0])
	require.NoError(t, err)
	require.Len(t, inbound, 1)
	told, ok := inbound[0].Body.(handoff.PersonTold)
	require.True(t, ok)
	require.True(t, told.Barred)
	require.Equal(t, "ses_1", inbound[0].SessionID)

	d.emulator.RefuseAtOnce = true
	_, err = d.adapter.Open(t.Context(), d.call("", ada, grace), someStart())
	require.NoError(t, err)
	require.Equal(t, map[string]string{ada: "interactive template ", grace: "interactive template "}, d.kinds())

	id, err := d.adapter.Send(t.Context(), d.call(ada), handoff.Message{Text: "Hello?"})
	require.NoError(t, err)
	require.Equal(t, map[string]string{ada: "text template "}, d.kinds())
	require.Equal(t, id, d.noted[ada][len(d.noted[ada])-1])
	require.NoError(t, d.adapter.Close(t.Context(), d.call(ada), handoff.ClosedByCustomer))
	require.Equal(t, map[string]string{ada: "text "}, d.kinds(), "an end is worth no template")
}

// TestTheTwentyFourthHour: the window is a little shorter for us than for Meta.
func TestTheTwentyFourthHour(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	m, ok := d.adapter.(provider.Messenger)
	require.True(t, ok)
	for ago, kind := range map[time.Duration]string{
		23*time.Hour + 49*time.Minute: "interactive ", 23*time.Hour + 50*time.Minute: "template ", 23*time.Hour + 59*time.Minute: "template ", 10000 * time.Hour: "template ",
	} {
		ids, err := m.Tell(t.Context(), provider.Notice{
			Person: ada, Text: "#H7K3 Ann: Hi", Heard: d.now.Add(-ago),
			Choices: []provider.Choice{{Label: "#H7K3 Ann Lee", Detail: "Hi", Button: "handoff:take:H7K3"}},
		})
		require.NoError(t, err)
		require.Len(t, ids, 1)
		require.Equal(t, map[string]string{ada: kind}, d.kinds(), ago.String())
	}
	ids, err := m.Tell(t.Context(), provider.Notice{Person: ada, Text: "#H7K3 was taken", Heard: d.now.Add(-24 * time.Hour)})
	require.NoError(t, err)
	require.Empty(t, ids, "nothing can be told, and nothing is to be taken")
	require.Empty(t, d.kinds())
}

// TestTheTemplateIsFilled: it has the session's tag, the name and the question, on one line.
func TestTheTemplateIsFilled(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for _, start := range []handoff.Start{someStart(), {}, {Question: strings.Repeat("ä  \n", 2000), Customer: handoff.Customer{Name: strings.Repeat("n", 300)}}} {
		_, err := d.adapter.Open(t.Context(), d.call(""), start)
		require.NoError(t, err)
	}
	template := d.bodies[0]["template"].(map[string]any)
	require.Equal(t, "handoff_request", template["name"])
	data, err := json.Marshal(template["components"])
	require.NoError(t, err)
	require.JSONEq(t, `[
		{"type":"body","parameters":[{"type":"text","text":"H7K3"},{"type":"text","text":"Ann Lee"},{"type":"text","text":"Where is my parcel?"}]},
		{"type":"button","sub_type":"quick_reply","index":"0","parameters":[{"type":"payload","payload":"handoff:take:H7K3"}]}
	]`, string(data))
}

// TestOnlyWhoHasTheSession gets what the customer writes.
func TestOnlyWhoHasTheSession(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	id, err := d.adapter.Send(t.Context(), d.call("", ada, grace), handoff.Message{Text: "Hello?"})
	require.NoError(t, err)
	require.Empty(t, id)
	require.Empty(t, d.kinds(), "whoever takes it is told")
	id, err = d.adapter.Send(t.Context(), d.call(grace), handoff.Message{Text: "Hello?"})
	require.NoError(t, err)
	require.Equal(t, []string{id}, d.noted[grace])
	require.Equal(t, "#H7K3 Ann Lee\nHello?", d.bodies[0]["text"].(map[string]any)["body"])
	require.Equal(t, "handoff:m:ses_1:key", d.bodies[0]["biz_opaque_callback_data"])
	require.Equal(t, map[string]string{grace: "text "}, d.kinds())
	_, err = d.adapter.Send(t.Context(), d.call("1650555"), handoff.Message{Text: "Hello?"})
	require.Equal(t, provider.ClassRejected, provider.ClassOf(err), "who left the staff gets nothing more")
	require.NoError(t, d.adapter.Close(t.Context(), d.call("", grace), handoff.ClosedByWaitTimeout))
	require.Equal(t, map[string]string{grace: "text "}, d.kinds(), "that nobody took it is told to those who can be told")
	require.NoError(t, d.adapter.Close(t.Context(), d.call(grace), handoff.ClosedByHuman))
	require.Empty(t, d.kinds())
}

// TestRepeats: what got through is not sent again, part by part, and a repeat waits
// for what a status may tell.
func TestRepeats(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	long := handoff.Message{Text: strings.Repeat("0123456789", 1000)}
	c := d.call(ada)
	c.Repeat = true
	_, err := d.adapter.Send(t.Context(), c, long)
	require.Equal(t, 15*time.Second, provider.WaitOf(err))
	d.now = d.now.Add(10 * time.Second)
	_, err = d.adapter.Send(t.Context(), c, long)
	require.Equal(t, 5*time.Second, provider.WaitOf(err))
	require.Empty(t, d.kinds())
	c.Seat.Earlier = map[string][]string{ada: {"1"}}
	d.now = d.now.Add(5 * time.Second)
	_, err = d.adapter.Send(t.Context(), c, long)
	require.NoError(t, err)
	require.Equal(t, map[string]string{ada: strings.Repeat("text ", 2)}, d.kinds(), "the first of three is there")
	c.Seat.Earlier[ada] = []string{"1", "2", "3"}
	id, err := d.adapter.Send(t.Context(), c, long)
	require.NoError(t, err)
	require.Equal(t, "3", id)
	require.Empty(t, d.kinds())

	start := d.call("", ada, grace)
	start.Seat.Earlier = map[string][]string{ada: {"1"}}
	_, err = d.adapter.Open(t.Context(), start, someStart())
	require.NoError(t, err)
	require.Equal(t, map[string]string{grace: "interactive "}, d.kinds())
	start.Seat.Earlier[grace] = []string{"2"}
	start.Repeat = true
	_, err = d.adapter.Open(t.Context(), start, someStart())
	require.NoError(t, err)
	require.Empty(t, d.kinds())
}

// TestChoices are buttons where that is enough, and else a list.
func TestChoices(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	m := d.adapter.(provider.Messenger)
	choices := func(n int, detail string) (list []provider.Choice) {
		for i := range n {
			list = append(list, provider.Choice{Label: fmt.Sprintf("#H7K%d Bartholomew Lee", i+2), Detail: detail, Button: fmt.Sprintf("handoff:pick:H7K%d", i+2)})
		}
		return list
	}
	for _, c := range []struct {
		n            int
		detail, kind string
	}{{1, "", "button"}, {1, "Hi", "button"}, {3, "", "button"}, {2, "Hi", "list"}, {4, "", "list"}, {10, strings.Repeat("x", 72), "list"}, {20, "Hi", "list"}} {
		_, err := m.Tell(t.Context(), provider.Notice{Person: ada, Text: "Who is this for?", Heard: d.now, Choices: choices(c.n, c.detail)})
		require.NoError(t, err, "%+v", c)
		require.Equal(t, c.kind, d.bodies[0]["interactive"].(map[string]any)["type"], "%+v", c)
		d.kinds()
	}
	ids, err := m.Tell(t.Context(), provider.Notice{Person: ada, Text: strings.Repeat("#H7K3 line\n", 600), Heard: d.now, Choices: choices(2, "Hi")})
	require.NoError(t, err)
	require.Len(t, ids, 3)
	require.Equal(t, map[string]string{ada: strings.Repeat("text ", 2) + "interactive "}, d.kinds(), "a text that is too long for a list comes before it")
}

// TestErrors judges Meta's codes.
func TestErrors(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	var status, code, subcode int
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, `{"error":{"message":"(#%d) title","code":%[1]d,"error_subcode":%d,"error_data":{"details":"details"},"fbtrace_id":"trace"}}`, code, subcode)
	}))
	defer server.Close()
	a := d.open(server.URL)
	for class, codes := range map[provider.Class][]int{
		provider.ClassCredentials: {0, 190, 102, 3, 10, 200, 299, 131005, 131031, 131037, 131042, 131045, 133010, 368, 130497},
		provider.ClassRateLimited: {4, 80007, 130429, 131048},
		provider.ClassTransient:   {1, 2, 131000, 131016, 131056, 131057, 133004},
		provider.ClassIncomplete:  {132000, 132001, 132005, 132012, 132015, 132016},
		provider.ClassRejected:    {33, 100, 131008, 131009, 131021, 131026, 131030, 131049, 131050, 131051, 131052, 131053, 130472, 132007, 300},
	} {
		for _, code = range codes {
			status = http.StatusBadRequest
			_, err := a.Send(t.Context(), d.call(ada), handoff.Message{Text: "x"})
			assert.Equal(t, class, provider.ClassOf(err), code)
			require.ErrorContains(t, err, fmt.Sprint(code))
			assert.ErrorContains(t, err, "details")
			assert.ErrorContains(t, err, "trace")
		}
	}
	status, code, subcode = http.StatusBadRequest, 2500, 463
	_, err := a.Send(t.Context(), d.call(ada), handoff.Message{Text: "x"})
	require.Equal(t, provider.ClassCredentials, provider.ClassOf(err))
	status, code, subcode = http.StatusBadRequest, 100, 33
	_, err = a.Send(t.Context(), d.call(ada), handoff.Message{Text: "x"})
	require.Equal(t, provider.ClassIncomplete, provider.ClassOf(err), "no such number, or not the token's")
	status, code, subcode = http.StatusBadGateway, 0, 0
	_, err = a.Send(t.Context(), d.call(ada), handoff.Message{Text: "x"})
	require.Equal(t, provider.ClassTransient, provider.ClassOf(err), "an outage is no matter of credentials")
	status, code, subcode = http.StatusBadRequest, 131056, 0
	_, err = a.Send(t.Context(), d.call(ada), handoff.Message{Text: "x"})
	require.Equal(t, 6*time.Second, provider.WaitOf(err))
}

// TestOneOfTheStaffIsNoReason: who cannot be reached for good keeps nobody else from it.
func TestOneOfTheStaffIsNoReason(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	refuse := map[string]int{ada: 131026}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			To string `json:"to"`
		}
		data, _ := io.ReadAll(r.Body)
		_ = json.Unmarshal(data, &body)
		if code := refuse[body.To]; code != 0 {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = fmt.Fprintf(w, `{"error":{"code":%d}}`, code)
			return
		}
		_, _ = io.WriteString(w, `{"messages":[{"id":"wamid.1"}]}`)
	}))
	defer server.Close()
	a := d.open(server.URL)
	_, err := a.Open(t.Context(), d.call(""), someStart())
	require.NoError(t, err)
	require.Equal(t, map[string][]string{grace: {"wamid.1"}}, d.noted)
	refuse[grace] = 131056
	_, err = a.Open(t.Context(), d.call(""), someStart())
	require.Equal(t, provider.ClassTransient, provider.ClassOf(err), "it is tried again for the one who can be reached later")
	refuse[grace] = 131026
	_, err = a.Open(t.Context(), d.call(""), someStart())
	require.Equal(t, provider.ClassRejected, provider.ClassOf(err), "there is nobody left")
}

// TestCheck: what is missing at Meta is made, and what is not approved is told.
func TestCheck(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	require.NoError(t, d.adapter.Check(t.Context()))
	d.emulator.Unsubscribe()
	require.NoError(t, d.adapter.Check(t.Context()))
	require.True(t, d.emulator.Subscribed())
	d.emulator.SetTemplate("")
	for _, want := range []string{"submitted", "waits for Meta's approval"} {
		err := d.adapter.Check(t.Context())
		require.Equal(t, provider.ClassIncomplete, provider.ClassOf(err))
		require.ErrorContains(t, err, want)
	}
	d.emulator.SetTemplate("APPROVED")
	require.NoError(t, d.adapter.Check(t.Context()), "the template that was made is one that can be used")
	_, err := d.adapter.Open(t.Context(), d.call(""), someStart())
	require.NoError(t, err)
	for _, status := range []string{"PAUSED", "REJECTED", "DISABLED"} {
		d.emulator.SetTemplate(status)
		err := d.adapter.Check(t.Context())
		require.Equal(t, provider.ClassIncomplete, provider.ClassOf(err))
		require.ErrorContains(t, err, status)
		_, err = d.adapter.Open(t.Context(), d.call(""), someStart())
		require.Equal(t, provider.ClassIncomplete, provider.ClassOf(err))
	}
}

// TestStrangers: somebody who is not among the staff is answered, and nobody else.
func TestStrangers(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	m, ok := d.adapter.(provider.Messenger)
	require.True(t, ok)
	_, err := m.Tell(t.Context(), provider.Notice{Person: "491700000000", Text: "nobody reads this", Heard: d.now})
	require.Equal(t, provider.ClassRejected, provider.ClassOf(err))
	require.Empty(t, d.kinds())
	_, err = m.Tell(t.Context(), provider.Notice{Person: "491700000000", Text: "nobody reads this", Heard: d.now, Stranger: true})
	require.ErrorContains(t, err, "131026", "the emulator knows no such phone")
	require.Equal(t, map[string]string{"491700000000": "text "}, d.kinds())
}
