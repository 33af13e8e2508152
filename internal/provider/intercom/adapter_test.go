package intercom_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/emulator"
	"github.com/human-handoff/handoff/internal/provider/intercom"
	"github.com/human-handoff/handoff/internal/provider/intercom/intercomtest"
)

// then is what the clock shows unless a test moves it.
var then = time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)

// desk is a workspace with an adapter to it.
type desk struct {
	*intercomtest.Emulator

	provider.Adapter

	t     *testing.T
	front *emulator.Front
	now   time.Time
	calls int
}

// newDesk starts a workspace; change may change it, and the configuration.
func newDesk(t *testing.T, change func(*intercomtest.Emulator, *handoffv1.IntercomConfig)) *desk {
	t.Helper()
	d := &desk{t: t, now: then}
	clock := func() time.Time { return d.now }
	d.Emulator = intercomtest.New(clock)
	d.front = emulator.NewFront(d.Emulator)
	server := httptest.NewServer(d.front)
	t.Cleanup(server.Close)
	config := d.Config(server.URL).(*handoffv1.IntercomConfig)
	if change != nil {
		change(d.Emulator, config)
	}
	var err error
	d.Adapter, err = intercom.Kind{}.Open(config, provider.Deps{HTTP: server.Client(), Now: clock})
	require.NoError(t, err)
	return d
}

func (d *desk) begin(c handoff.Customer) provider.Call {
	d.t.Helper()
	d.calls++
	call := provider.Call{SessionID: "ses_" + strings.Repeat("x", d.calls), Time: d.now}
	ref, err := d.Open(d.t.Context(), call, handoff.Start{Customer: c, Question: "hello?", Transcript: []handoff.Turn{{Role: handoff.RoleUser, Text: "a turn"}}})
	require.NoError(d.t, err)
	call.Ref = ref
	return call
}

// contactOf begins a session and returns the contact that the customer is.
func (d *desk) contactOf(c handoff.Customer) string {
	d.t.Helper()
	return d.seen(d.begin(c)).Contact
}

func (d *desk) seen(c provider.Call) emulator.Session {
	d.t.Helper()
	s, ok := emulator.Find(d.Emulator, c.Ref.ID)
	require.True(d.t, ok)
	return s
}

func TestKnownContactsAreFound(t *testing.T) {
	t.Parallel()
	long := then.Add(-time.Hour)
	d := newDesk(t, nil)
	byID := d.AddContact("user", "u-1", "one@example.com", long)
	assert.Equal(t, byID, d.contactOf(handoff.Customer{UserID: "u-1", Email: "new@example.com"}), "the id decides, not the address")
	assert.Equal(t, byID, d.contactOf(handoff.Customer{Email: "ONE@example.com"}), "an address that was verified is enough")

	d.AddContact("lead", "", "two@example.com", then.Add(-2*time.Hour))
	older := d.AddContact("user", "", "two@example.com", then.Add(-3*time.Hour))
	newer := d.AddContact("user", "", "two@example.com", long)
	assert.NotEqual(t, older, newer)
	assert.Equal(t, newer, d.contactOf(handoff.Customer{Email: "two@example.com"}), "users before leads, the newest first")

	lead := d.AddContact("lead", "", "three@example.com", long)
	assert.Equal(t, lead, d.contactOf(handoff.Customer{Email: "three@example.com"}), "a lead can talk, too")

	somebody := d.AddContact("user", "u-4", "four@example.com", long)
	assert.NotEqual(t, somebody, d.contactOf(handoff.Customer{UserID: "u-5", Email: "four@example.com"}), "another id is somebody else")
}

// TestNewContactsAreNotFoundYet is the race of two starts: a search lags, and the
// second creation is told who is there already.
func TestNewContactsAreNotFoundYet(t *testing.T) {
	t.Parallel()
	for _, shared := range []bool{false, true} {
		d := newDesk(t, func(e *intercomtest.Emulator, _ *handoffv1.IntercomConfig) { e.SharedEmails = shared })
		fresh := d.AddContact("user", "", "new@example.com", then)
		assert.Equal(t, fresh, d.contactOf(handoff.Customer{Email: "new@example.com"}))

		taken := d.AddContact("user", "u-1", "office@example.com", then)
		other := d.contactOf(handoff.Customer{UserID: "u-2", Email: "office@example.com"})
		assert.NotEqual(t, taken, other)
		assert.Equal(t, other, d.contactOf(handoff.Customer{UserID: "u-2", Email: "office@example.com"}))
	}
}

func TestArchivedContactsComeBack(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	id := d.AddContact("user", "u-1", "", then.Add(-time.Hour))
	require.True(t, d.Archive(id))
	assert.Equal(t, id, d.contactOf(handoff.Customer{UserID: "u-1"}))
}

func TestMergedContacts(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	kept := d.AddContact("user", "u-2", "", then.Add(-time.Hour))
	merged := d.AddContact("user", "u-1", "", then.Add(-time.Hour))
	require.True(t, d.Merge(merged, kept))
	assert.Equal(t, kept, d.contactOf(handoff.Customer{UserID: "u-1"}), "one that was merged before")

	c := d.begin(handoff.Customer{UserID: "u-3"})
	require.True(t, d.Merge(d.seen(c).Contact, kept))
	_, err := d.Send(t.Context(), c, handoff.Message{Text: "still me"})
	require.NoError(t, err, "one that is merged in mid-session")
	s := d.seen(c)
	assert.Equal(t, []string{"still me"}, s.Messages())
}

// TestWithoutATeammate is a workspace whose token belongs to nobody: there are no
// notes and no closes, and all is said by the customer.
func TestWithoutATeammate(t *testing.T) {
	t.Parallel()
	d := newDesk(t, func(e *intercomtest.Emulator, _ *handoffv1.IntercomConfig) { e.NoAdmin = true })
	require.NoError(t, d.Check(t.Context()))
	c := d.begin(handoff.Customer{UserID: "u-1"})
	assert.Equal(t, "Customer: a turn\n\nhello?", d.seen(c).Context)
	require.NoError(t, d.Close(t.Context(), c, handoff.ClosedByCustomer))
	c.Repeat = true
	require.NoError(t, d.Close(t.Context(), c, handoff.ClosedByCustomer))
	s := d.seen(c)
	assert.Equal(t, []string{"(The customer has ended the conversation.)"}, s.Messages())
}

func TestCheckTellsWhatToChange(t *testing.T) {
	t.Parallel()
	for says, change := range map[string]func(*handoffv1.IntercomConfig){
		"admin_id": func(c *handoffv1.IntercomConfig) { c.AdminId = "17" },
		"team_id":  func(c *handoffv1.IntercomConfig) { c.TeamId = "17" },
	} {
		d := newDesk(t, func(_ *intercomtest.Emulator, c *handoffv1.IntercomConfig) { change(c) })
		err := d.Check(t.Context())
		assert.Equal(t, provider.ClassIncomplete, provider.ClassOf(err))
		assert.ErrorContains(t, err, says)
	}
}

// elsewhere sends calls to another host than they are made for, and notes to which.
type elsewhere struct {
	http.RoundTripper

	to    string
	hosts []string
}

func (e *elsewhere) RoundTrip(r *http.Request) (*http.Response, error) {
	e.hosts = append(e.hosts, r.URL.Host)
	r = r.Clone(r.Context())
	r.URL.Scheme, r.URL.Host = "http", e.to
	return e.RoundTripper.RoundTrip(r)
}

func TestRegions(t *testing.T) {
	t.Parallel()
	workspace := intercomtest.New(func() time.Time { return then })
	workspace.Region = "EU"
	server := httptest.NewServer(workspace)
	t.Cleanup(server.Close)
	config := workspace.Config("").(*handoffv1.IntercomConfig)
	for region, host := range map[handoffv1.IntercomConfig_Region]string{
		handoffv1.IntercomConfig_REGION_UNSPECIFIED: "api.intercom.io",
		handoffv1.IntercomConfig_REGION_US:          "api.intercom.io",
		handoffv1.IntercomConfig_REGION_EU:          "api.eu.intercom.io",
		handoffv1.IntercomConfig_REGION_AU:          "api.au.intercom.io",
	} {
		config.Region = region
		account, err := intercom.Kind{}.Account(config)
		require.NoError(t, err)
		assert.Equal(t, "https://"+host, account)
		way := &elsewhere{RoundTripper: http.DefaultTransport, to: strings.TrimPrefix(server.URL, "http://")}
		a, err := intercom.Kind{}.Open(config, provider.Deps{HTTP: &http.Client{Transport: way}, Now: time.Now})
		require.NoError(t, err)
		err = a.Check(context.Background())
		assert.Equal(t, host, way.hosts[0])
		if region == handoffv1.IntercomConfig_REGION_EU {
			assert.NoError(t, err)
			continue
		}
		assert.Equal(t, provider.ClassIncomplete, provider.ClassOf(err))
		assert.ErrorContains(t, err, "EU")
	}
}

func TestBadAddresses(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"ftp://x", "http://", "http://u:p@x", "http://x?q=1", "x"} {
		_, err := intercom.Kind{}.Account(&handoffv1.IntercomConfig{ApiBaseUrl: address})
		assert.ErrorContains(t, err, "api_base_url", address)
		assert.NotContains(t, err.Error(), "u:p")
	}
	account, err := intercom.Kind{}.Account(&handoffv1.IntercomConfig{ApiBaseUrl: " http://EXAMPLE.com:80/a/ "})
	require.NoError(t, err)
	assert.Equal(t, "http://example.com:80/a", account)
}

// TestErrorsNameTheRequest matters to whoever has to ask Intercom about it.
func TestErrorsNameTheRequest(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	d.Revoke()
	err := d.Check(t.Context())
	assert.Equal(t, provider.ClassCredentials, provider.ClassOf(err))
	assert.ErrorContains(t, err, "token_revoked: Access Token Revoked (request ")
}

func TestADeletedConversationIsOver(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	c := d.begin(handoff.Customer{UserID: "u-1"})
	_, err := d.Do(c.Ref.ID, emulator.Act{Kind: emulator.Delete})
	require.NoError(t, err)
	got, err := d.Adapter.(provider.Reconciler).Since(t.Context(), c, then)
	require.NoError(t, err)
	require.Len(t, got, 1)
	assert.IsType(t, handoff.HumanClosed{}, got[0].Body)
	_, err = d.Send(t.Context(), c, handoff.Message{Text: "hello?"})
	assert.Equal(t, provider.ClassRejected, provider.ClassOf(err))
}

func TestTheNoteHoldsAllThatIsKnown(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	c := provider.Call{SessionID: "ses_1", Time: then}
	ref, err := d.Open(t.Context(), c, handoff.Start{
		Customer: handoff.Customer{AnonymousID: "a", Email: "claimed@example.com", Unverified: true, Locale: "zh-CN", Attributes: map[string]string{"plan": "<pro>"}},
		Reason:   "asked for it", Priority: handoff.PriorityHigh, Team: "billing", Tags: []string{"a", "b"},
		Metadata: map[string]string{"order": "17"}, ProviderExtra: []byte(`{"x":1}`),
		Transcript: []handoff.Turn{{Role: handoff.RoleUser, Text: "one\ntwo"}, {Role: handoff.RoleAssistant, Text: "<script>"}},
	})
	require.NoError(t, err)
	s, _ := emulator.Find(d.Emulator, ref.ID)
	assert.Equal(t, strings.TrimSpace(`
Handoff session ses_1
Reason: asked for it
Priority: high
Team: billing
Tags: a, b
E-mail, as the customer says: claimed@example.com
Language: zh-CN
plan: <pro>
order: 17
More: {"x":1}
Customer: one
two
Assistant: <script>
one
two`), s.Context, "and the last words stand in for a question")
	assert.Empty(t, s.Customer.Email)
}

func TestARefOfAnotherVersionIsRefused(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	_, err := d.Send(t.Context(), provider.Call{Ref: handoff.Ref{ID: "1"}}, handoff.Message{Text: "x"})
	assert.Equal(t, provider.ClassRejected, provider.ClassOf(err))
}
