package qiyu_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/emulator"
	"github.com/human-handoff/handoff/internal/provider/qiyu"
	"github.com/human-handoff/handoff/internal/provider/qiyu/qiyutest"
)

// then is what the clock shows unless a test moves it.
var then = time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)

// desk is an account with an adapter to it.
type desk struct {
	*qiyutest.Emulator
	*qiyu.Adapter

	t     *testing.T
	front *emulator.Front
	files map[string][]byte
	told  []handoff.Inbound // by answers to starts
	kept  string
	calls int
}

// newDesk starts an account; change may change it, and the configuration.
func newDesk(t *testing.T, change func(*qiyutest.Emulator, *handoffv1.QiYuConfig)) *desk {
	t.Helper()
	clock := func() time.Time { return then }
	d := &desk{t: t, Emulator: qiyutest.New(clock), files: map[string][]byte{}}
	d.front = emulator.NewFront(d.Emulator)
	server := httptest.NewServer(d.front)
	t.Cleanup(server.Close)
	config := d.Config(server.URL).(*handoffv1.QiYuConfig)
	if change != nil {
		change(d.Emulator, config)
	}
	adapter, err := qiyu.Kind{}.Open(config, provider.Deps{HTTP: server.Client(), Now: clock, Files: d})
	require.NoError(t, err)
	d.Adapter = adapter.(*qiyu.Adapter)
	return d
}

// Content implements provider.Files.
func (d *desk) Content(_ context.Context, a handoff.Attachment) (io.ReadCloser, error) {
	data, known := d.files[a.ID]
	if !known {
		return nil, errors.New("no such file")
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

// Link implements provider.Files.
func (d *desk) Link(handoff.Attachment) string { return "" }

func (d *desk) newCall() provider.Call {
	d.calls++
	return provider.Call{
		SessionID: fmt.Sprintf("ses_%d", d.calls), AgentID: "shop", Time: then,
		Tell: func(_ context.Context, in handoff.Inbound) error {
			d.told = append(d.told, in)
			return nil
		},
		Keep: func(_ context.Context, data string) error {
			d.kept = data
			return nil
		},
	}
}

func (d *desk) begin(start handoff.Start) (provider.Call, error) {
	c := d.newCall()
	ref, err := d.Open(d.t.Context(), c, start)
	c.Ref = ref
	return c, err
}

func (d *desk) mustBegin() provider.Call {
	d.t.Helper()
	c, err := d.begin(handoff.Start{Question: "hello?"})
	require.NoError(d.t, err)
	return c
}

func (d *desk) seen(c provider.Call) *emulator.Session {
	d.t.Helper()
	s, ok := emulator.Find(d.Emulator, c.SessionID)
	require.True(d.t, ok)
	return &s
}

// sent returns the bodies of the calls of a path, as they came.
func (d *desk) sent(path string) []map[string]any {
	d.t.Helper()
	var all []map[string]any
	for _, call := range d.front.Calls() {
		if call.Path == "/openapi/"+path {
			var body map[string]any
			require.NoError(d.t, json.Unmarshal(call.Body, &body))
			all = append(all, body)
		}
	}
	return all
}

func busy(_ *qiyutest.Emulator, c *handoffv1.QiYuConfig) { c.GroupId = qiyutest.GroupBusy }

func TestAHumanIsAskedFor(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		config *handoffv1.QiYuConfig
		want   map[string]any
	}{
		"anybody":    {&handoffv1.QiYuConfig{}, map[string]any{}},
		"a group":    {&handoffv1.QiYuConfig{GroupId: 101}, map[string]any{"groupId": 101.0}},
		"one person": {&handoffv1.QiYuConfig{GroupId: 101, StaffId: 17, ProductId: "p", FromTitle: "Shop"}, map[string]any{"staffId": 17.0, "productId": "p", "fromTitle": "Shop"}},
	} {
		d := newDesk(t, func(_ *qiyutest.Emulator, config *handoffv1.QiYuConfig) {
			config.FromTitle = ""
			proto.Merge(config, c.config)
		})
		call := d.mustBegin()
		c.want["uid"], c.want["staffType"], c.want["robotShuntSwitch"] = call.SessionID, 1.0, 0.0
		assert.Equal(t, []map[string]any{c.want}, d.sent("event/applyStaff"), name)
		assert.Equal(t, handoff.Ref{ID: call.SessionID}, call.Ref)
	}
}

// TestWhoTookASessionIsTold matters because QiYu may not push it after its answer.
func TestWhoTookASessionIsTold(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	c := d.mustBegin()
	require.Len(t, d.told, 1)
	assert.Equal(t, handoff.HumanJoined{Name: "Lin"}, d.told[0].Body)
	pushes, err := d.Do(c.SessionID, emulator.Act{Kind: emulator.Join})
	require.NoError(t, err)
	require.NoError(t, d.Verify(pushes[0]))
	_, pushed, err := d.Parse(pushes[0])
	require.NoError(t, err)
	require.Len(t, pushed, 1)
	assert.Equal(t, d.told[0].Key, pushed[0].Key, "told by both, it is the same")
}

func TestPlacesInTheQueue(t *testing.T) {
	t.Parallel()
	for _, old := range []bool{false, true} {
		d := newDesk(t, func(e *qiyutest.Emulator, c *handoffv1.QiYuConfig) {
			busy(e, c)
			e.OldQueue = old
		})
		c := d.mustBegin()
		require.Equal(t, []handoff.Inbound{{Key: provider.PlaceKey(3), Body: handoff.QueueMoved{Position: 3}}}, d.told)
		assert.Contains(t, d.seen(c).Context, "hello?", "what was said waits with the customer")
		place := func() int32 {
			at, err := d.Place(t.Context(), c)
			require.NoError(t, err)
			return at
		}
		assert.Equal(t, []int32{3, 2, 1, 1}, []int32{place(), place(), place(), place()})
		_, err := d.Do(c.SessionID, emulator.Act{Kind: emulator.Join})
		require.NoError(t, err)
		assert.Zero(t, place(), "who is served waits no more")
		d.End(c.SessionID, qiyutest.ByStaff)
		assert.Zero(t, place(), "nor does who is gone")
	}
}

func TestNobodyIsThere(t *testing.T) {
	t.Parallel()
	for group, want := range map[int64]string{qiyutest.GroupMessage: "takes messages alone (14005)", qiyutest.GroupNobody: "nobody is at the desk of QiYu (14010)"} {
		d := newDesk(t, func(_ *qiyutest.Emulator, c *handoffv1.QiYuConfig) { c.GroupId = group })
		_, err := d.begin(handoff.Start{Question: "hello?"})
		require.ErrorContains(t, err, want)
		assert.Equal(t, provider.ClassRejected, provider.ClassOf(err), "the agent goes on at once")
		assert.Empty(t, d.sent("message/send"), "what was sent now would begin a session with a robot")
	}
	d := newDesk(t, func(e *qiyutest.Emulator, _ *handoffv1.QiYuConfig) { e.RobotFirst = true })
	_, err := d.begin(handoff.Start{Question: "hello?"})
	require.ErrorContains(t, err, "robot")
	assert.Equal(t, provider.ClassRejected, provider.ClassOf(err))
	assert.Empty(t, d.told, "a robot who joins is nobody")
	assert.Empty(t, d.sent("message/send"))
}

// TestALongStart comes in parts, and a repeat goes on with the part in doubt.
func TestALongStart(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	start := handoff.Start{Question: "the question"}
	for i := range 10 {
		start.Transcript = append(start.Transcript, handoff.Turn{Role: handoff.RoleUser, Text: fmt.Sprint(i, strings.Repeat("长", 1000))})
	}
	c := d.newCall()
	d.front.Fail(emulator.Fault{Cut: true, Once: true, Skip: 4}) // the third message
	_, err := d.Open(t.Context(), c, start)
	require.Error(t, err)
	c.Repeat, c.Ref.Data = true, d.kept
	_, err = d.Open(t.Context(), c, start)
	require.NoError(t, err)
	var parts []string
	for _, body := range d.sent("message/send") {
		part, _, _ := strings.Cut(body["content"].(string), "\n")
		parts = append(parts, strings.TrimPrefix(part, "【Handoff ses_1】"))
	}
	assert.Equal(t, []string{"(1/4)", "(2/4)", "(3/4)", "(3/4)", "(4/4)"}, parts)
	s := d.seen(c)
	assert.Equal(t, 10, strings.Count(s.Context, "客户 Customer: "))
	assert.Contains(t, s.Context, "问题 Question: the question")
}

func TestWhatStaffReadOfAStart(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	c, err := d.begin(handoff.Start{
		Customer: handoff.Customer{Name: "Ann", Email: "ann@example.com", UserID: "u-1", Locale: "zh-CN", Unverified: true},
		Reason:   "angry", Tags: []string{"vip", "late"}, Metadata: map[string]string{"order": "17"},
		Transcript: []handoff.Turn{{Role: handoff.RoleAssistant, Text: "Hi"}},
	})
	require.NoError(t, err)
	assert.Equal(t, strings.Join([]string{
		"【Handoff ses_1】",
		"原因 Reason: angry", "标签 Tags: vip, late", "客户自称的邮箱 E-mail, as the customer says: ann@example.com",
		"客户自称的用户ID User id, as the customer says: u-1", "语言 Language: zh-CN", "order: 17",
		"智能助手 Assistant: Hi", "问题 Question: （请求人工服务）(asks for a human)",
	}, "\n"), d.sent("message/send")[0]["content"])
	for _, field := range d.sent("event/updateUInfo")[0]["userinfo"].([]any) {
		key := field.(map[string]any)["key"]
		assert.NotContains(t, []any{"email", "mobile_phone", "user_id"}, key, "what a browser says of itself matches nobody")
	}
	assert.Equal(t, "ann@example.com", d.seen(c).Customer.Email, "staff see it all the same")
}

func TestAStartDoesWithoutWhoItIs(t *testing.T) {
	t.Parallel()
	d := newDesk(t, func(e *qiyutest.Emulator, _ *handoffv1.QiYuConfig) { e.NoUserInfo = true })
	assert.Contains(t, d.seen(d.mustBegin()).Context, "hello?")
}

func TestPictures(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	c := d.mustBegin()
	var drawn bytes.Buffer
	require.NoError(t, png.Encode(&drawn, image.NewGray(image.Rect(0, 0, 30, 20))))
	d.files["f"] = drawn.Bytes()
	m := handoff.Message{Text: "look", Attachments: []handoff.Attachment{{ID: "f", Name: "Übersicht.png", MIMEType: "image/png", Size: int64(drawn.Len())}}}
	_, err := d.Send(t.Context(), c, m)
	require.NoError(t, err)
	s := d.seen(c)
	require.Len(t, s.Files, 1)
	assert.Equal(t, "Übersicht.png", s.Files[0].Name)
	assert.Equal(t, drawn.String(), s.Files[0].Content)
	assert.Equal(t, []string{"look"}, s.Messages())
	sent := d.sent("message/send")
	shown := sent[len(sent)-1]["content"].(map[string]any)
	assert.Equal(t, []any{30.0, 20.0, float64(drawn.Len())}, []any{shown["w"], shown["h"], shown["size"]})

	d.files["f"] = make([]byte, 5_000_001)
	_, err = d.Send(t.Context(), c, m)
	assert.Equal(t, provider.ClassRejected, provider.ClassOf(err))
	delete(d.files, "f")
	_, err = d.Send(t.Context(), c, m)
	assert.Equal(t, provider.ClassTransient, provider.ClassOf(err))
}

// TestLongTextsComeInPieces counts characters, of which Chinese ones have three bytes.
func TestLongTextsComeInPieces(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	c := d.mustBegin()
	for text, want := range map[string]int{strings.Repeat("你", 4000): 1, strings.Repeat("好", 4001): 2, strings.Repeat("🐦", 4000): 2} {
		before := len(d.seen(c).Messages())
		_, err := d.Send(t.Context(), c, handoff.Message{Text: text})
		require.NoError(t, err)
		got := d.seen(c).Messages()[before:]
		assert.Len(t, got, want)
		assert.Equal(t, text, strings.Join(got, ""))
	}
}

func TestEnds(t *testing.T) {
	t.Parallel()
	why := "客户结束了会话。 The customer has ended the conversation."
	d := newDesk(t, nil)
	c := d.mustBegin()
	require.NoError(t, d.Close(t.Context(), c, handoff.ClosedByCustomer))
	assert.Equal(t, why, d.seen(c).Closed)
	assert.Empty(t, d.sent("event/quitQueue"))

	for _, unknown := range []bool{false, true} {
		q := newDesk(t, func(e *qiyutest.Emulator, config *handoffv1.QiYuConfig) {
			busy(e, config)
			e.NoQuitQueue = unknown
		})
		c = q.mustBegin()
		require.NoError(t, q.Close(t.Context(), c, handoff.ClosedByCustomer))
		assert.Equal(t, why, q.seen(c).Closed, "who takes the session all the same reads it")
		assert.Len(t, q.sent("event/quitQueue"), 1)
	}

	over := newDesk(t, nil)
	c = over.mustBegin()
	over.End(c.SessionID, qiyutest.BySilence)
	before := len(over.sent("message/send"))
	require.NoError(t, over.Close(t.Context(), c, handoff.ClosedByCustomer))
	assert.Len(t, over.sent("message/send"), before, "words to what is over would begin another session")
	_, err := over.Send(t.Context(), c, handoff.Message{Text: "hello?"})
	require.ErrorContains(t, err, "the session is over at QiYu (14007)")
	refused, ok := errors.AsType[*provider.Error](err)
	require.True(t, ok)
	assert.Equal(t, []any{provider.ClassRejected, 200, true}, []any{refused.Class, refused.Status, refused.Undone})
}

// TestAClockThatIsOff must not fail what customers say: somebody has to set it.
func TestAClockThatIsOff(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	c := d.mustBegin()
	d.Skew(6 * time.Minute)
	before := d.front.Begun()
	_, err := d.Send(t.Context(), c, handoff.Message{Text: "hello?"})
	require.ErrorContains(t, err, "clock")
	assert.Equal(t, provider.ClassCredentials, provider.ClassOf(err))
	assert.Equal(t, 2, d.front.Begun()-before, "it is signed anew once")
	require.ErrorContains(t, d.Check(t.Context()), "clock")
	d.Skew(4 * time.Minute)
	require.NoError(t, d.Check(t.Context()))
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*qiyutest.Emulator, *handoffv1.QiYuConfig){
		"app_key":    func(_ *qiyutest.Emulator, c *handoffv1.QiYuConfig) { c.AppKey += "x" },
		"app_secret": func(_ *qiyutest.Emulator, c *handoffv1.QiYuConfig) { c.AppSecret += "x" },
	} {
		err := newDesk(t, change).Check(t.Context())
		require.ErrorContains(t, err, want)
		assert.Equal(t, provider.ClassCredentials, provider.ClassOf(err))
	}
}
