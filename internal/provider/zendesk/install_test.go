package zendesk_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/emulator"
	"github.com/human-handoff/handoff/internal/provider/zendesk"
	"github.com/human-handoff/handoff/internal/provider/zendesk/zendesktest"
)

// named is a provider.Files whose contents are the names.
type named struct{}

// Content implements provider.Files.
func (named) Content(_ context.Context, a handoff.Attachment) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader(a.Name)), nil
}

// Link implements provider.Files.
func (named) Link(a handoff.Attachment) string { return "https://files.example/" + a.ID }

const message = "conversation:message"

// keyless is an app that no integration of ours was made for.
func keyless(_ *zendesktest.Emulator, c *handoffv1.ZendeskConfig) { c.WebhookKey = "" }

func (d *desk) install(receiveURL string) error {
	i, _ := d.open(receiveURL).(provider.Installer)
	return i.Install(d.t.Context())
}

func TestTheIntegrationIsMadeOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t, keyless)
	d.AddIntegration("somebody's", "https://other.example")
	d.AddIntegration("somebody's else", "https://other.example")
	const first, second = "https://one.example/webhooks/zendesk/TOKEN", "https://one.example/webhooks/zendesk/OTHER"
	for range 3 {
		require.NoError(t, d.install(first))
	}
	assert.Equal(t, []string{"https://other.example", "https://other.example", first}, d.Targets(message))
	assert.Equal(t, []string{first}, d.Targets("conversation:typing"))
	require.Equal(t, []string{d.WebhookKey()}, d.keys, "it is kept once")
	webhook := d.Webhook([]byte(`{"events":[]}`))
	require.NoError(t, d.open(first).Verify(webhook))

	const moved = "https://two.example/webhooks/zendesk/TOKEN"
	require.NoError(t, d.install(moved))
	assert.Equal(t, []string{"https://other.example", "https://other.example", moved}, d.Targets(message), "the server has another address")
	require.NoError(t, d.install(second))
	assert.Len(t, d.Targets(message), 3, "with a key that was entered or kept, nothing is made")
}

func TestTwoAgentsHaveIntegrationsOfTheirOwn(t *testing.T) {
	t.Parallel()
	d := newDesk(t, keyless)
	require.NoError(t, d.install("https://one.example/webhooks/zendesk/TOKEN"))
	config := d.Config(d.address).(*handoffv1.ZendeskConfig)
	config.WebhookKey = ""
	a, err := zendesk.Kind{}.Open(config, provider.Deps{
		HTTP: http.DefaultClient, Now: d.clock, ReceiveURL: "https://one.example/webhooks/zendesk/OTHER",
		Renew: func(context.Context, map[string]string) error { return nil },
	})
	require.NoError(t, err)
	i, _ := a.(provider.Installer)
	require.NoError(t, i.Install(t.Context()))
	assert.Len(t, d.Targets(message), 2)
}

func TestALostAnswerMakesNoSecondIntegration(t *testing.T) {
	t.Parallel()
	d := newDesk(t, keyless)
	const address = "https://one.example/webhooks/zendesk/TOKEN"
	d.front.Fail(emulator.Fault{Status: http.StatusBadGateway, Skip: 1, Done: true})
	require.Error(t, d.install(address))
	d.front.Heal()
	require.NoError(t, d.install(address))
	assert.Equal(t, []string{address}, d.Targets(message))
	assert.Equal(t, []string{d.WebhookKey()}, d.keys)
}

func TestWhenTheIntegrationCannotBeMade(t *testing.T) {
	t.Parallel()
	const address = "https://one.example/webhooks/zendesk/TOKEN"
	for name, change := range map[string]func(*zendesktest.Emulator){
		"ten webhooks":     func(e *zendesktest.Emulator) { e.MaxWebhooks = 0 },
		"an unfit key":     func(e *zendesktest.Emulator) { e.Forbidden = true },
		"no public server": nil,
	} {
		d := newDesk(t, func(e *zendesktest.Emulator, c *handoffv1.ZendeskConfig) {
			c.WebhookKey = ""
			if change == nil {
				c.ApiBaseUrl = "" // Zendesk itself, which is not asked
				return
			}
			change(e)
		})
		url := address
		if change == nil {
			url = "http://127.0.0.1:8080/webhooks/zendesk/TOKEN"
		}
		err := d.install(url)
		assert.Equal(t, provider.ClassIncomplete, provider.ClassOf(err), name)
		require.ErrorContains(t, err, "webhook_key", name)
		assert.Empty(t, d.keys)
	}
	d := newDesk(t, func(e *zendesktest.Emulator, _ *handoffv1.ZendeskConfig) { e.Forbidden = true })
	require.NoError(t, d.install(address), "it was made by hand, and its key was entered")
}

func TestFilesGoOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	c := d.begin(handoff.Start{Customer: handoff.Customer{UserID: "u-1"}, Question: "hello?"})
	c.IdempotencyKey = "m-1"
	long := strings.Repeat("ü", 100) + ".png"
	m := handoff.Message{Text: "look", Attachments: []handoff.Attachment{
		{Name: "a.png", MIMEType: "image/png", Size: 5}, {Name: long, MIMEType: "image/png", Size: int64(len(long))},
	}}
	for step := range 5 {
		d.front.Fail(emulator.Fault{Status: http.StatusBadGateway, Skip: step, Done: true})
		_, err := d.Send(t.Context(), c, m)
		d.front.Heal()
		c.Repeat = true
		if err == nil {
			break
		}
	}
	_, err := d.Send(t.Context(), c, m)
	require.NoError(t, err)
	s := d.seen(c)
	assert.Equal(t, []string{"look"}, s.Messages())
	assert.Equal(t, []emulator.File{{Name: "a.png", Content: "a.png"}, {Name: long, Content: long}}, s.Files)
}

// TestTheKeyStaysWithTheAccount is about files that are private at Zendesk.
func TestTheKeyStaysWithTheAccount(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	for address, ours := range map[string]bool{
		d.address + "/sc/attachments/v2/1/a.png": true, "https://elsewhere.example/a.png": false, "https://shop.zendesk.com.elsewhere.example/a.png": false,
	} {
		r := d.Webhook([]byte(fmt.Sprintf(`{"events":[{"type":"conversation:message","payload":{"conversation":{"id":"1"},"message":{"id":"2",`+
			`"author":{"type":"business","subtypes":["agent"]},"content":{"type":"image","mediaUrl":%q}}}}]}`, address)))
		_, inbound, err := d.Parse(r)
		require.NoError(t, err)
		require.Len(t, inbound, 1)
		files := inbound[0].Body.(handoff.HumanMessage).Files
		require.Len(t, files, 1)
		assert.Equal(t, ours, files[0].Header["Authorization"] != "", address)
	}
}

func TestATicketsOwnFields(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	extra := `{"ticket_fields":{"360012":"order-77","17":true,"19":{"deep":1},"":"x","20":"` + strings.Repeat("x", 2000) + `"},"other":1}`
	c := d.begin(handoff.Start{Customer: handoff.Customer{UserID: "u-1"}, Question: "hello?", ProviderExtra: []byte(extra)})
	ticket := d.Ticket(c.Ref.ID)
	assert.Equal(t, "order-77", ticket["dataCapture.ticketField.360012"])
	assert.Equal(t, true, ticket["dataCapture.ticketField.17"])
	for _, id := range []string{"19", "20", ""} {
		assert.NotContains(t, ticket, "dataCapture.ticketField."+id)
	}
}
