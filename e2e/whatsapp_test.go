package e2e_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/provider/emulator"
	"github.com/human-handoff/handoff/internal/provider/whatsapp/whatsapptest"
)

// talk is a session with whoever of the staff has it, and what they said to it.
type talk struct {
	id, tag string
	phone   int
	said    []string
}

// talks is many sessions on the two phones of one number.
type talks struct {
	t     *testing.T
	n     *number
	agent *client
	of    [2][]*talk // by phone
	pin   [2]*talk   // what each human chose last
}

// begin opens a session, and has the human at a phone take it.
func (k *talks) begin(i, phone int) {
	k.t.Helper()
	name := fmt.Sprint("Customer ", i)
	session, _ := k.agent.request(k.t, "shop", fmt.Sprint("conversation ", i), func(r *handoffv1.RequestHandoffRequest) {
		r.Customer = &handoffv1.Customer{UserId: fmt.Sprint("u-", i), Name: name}
		r.Question = "question of " + name
	})
	card := k.n.find(phone, 0, func(m whatsapptest.Message) bool {
		return strings.Contains(m.Text, "question of "+name) && len(m.Buttons) == 1
	})
	require.NotEmpty(k.t, card.Tag)
	t := &talk{id: session.GetId(), tag: card.Tag, phone: phone}
	k.n.press(phone, card, t.tag)
	k.n.find(phone, 0, func(m whatsapptest.Message) bool { return strings.HasPrefix(m.Text, "#"+t.tag+" is yours") })
	k.of[phone] = append(k.of[phone], t)
}

// last returns the last message of a session in its chat.
func (k *talks) last(t *talk) whatsapptest.Message {
	k.t.Helper()
	for _, m := range slices.Backward(k.n.Chat(t.phone).Messages) {
		if m.Tag == t.tag && !m.Mine {
			return m
		}
	}
	require.Fail(k.t, "nothing of the session is in the chat")
	return whatsapptest.Message{}
}

// customerSays has a customer say something, and waits until it is in the chat.
func (k *talks) customerSays(t *talk, text string) {
	k.t.Helper()
	before := len(k.n.Chat(t.phone).Messages)
	k.agent.send(k.t, t.id, text, text)
	k.n.find(t.phone, before, func(m whatsapptest.Message) bool {
		return strings.HasPrefix(m.Text, "#"+t.tag+" ") && strings.HasSuffix(m.Text, "\n"+text)
	})
}

// heard reports whether a session, of all of them, was told something.
func (k *talks) heard(text string) (by []string) {
	k.t.Helper()
	for phone := range k.of {
		for _, t := range k.of[phone] {
			for _, e := range k.agent.events(k.t, t.id) {
				if e.GetMessage().GetText() == text {
					by = append(by, t.id)
				}
			}
		}
	}
	return by
}

// answer has the human answer a session in one of the ways that there are.
func (k *talks) answer(t, other *talk, way int, text string) {
	k.t.Helper()
	n, before := k.n, len(k.n.Chat(t.phone).Messages)
	switch way {
	case 0: // a swipe
		k.swipe(t, k.last(t), text, text)
	case 1: // the tag
		n.says(n.Type(t.phone, "#"+t.tag+" "+text))
	case 2: // the tag as people write it in a hurry, while another message is quoted of the same session
		k.swipe(t, k.last(t), strings.ToLower(t.tag)+": "+text, text)
	case 3: // chosen from the list, and then without any hint
		n.says(n.Type(t.phone, "/sessions"))
		list := n.find(t.phone, before, func(m whatsapptest.Message) bool { _, ok := choice(m, t.tag); return ok && !m.Mine })
		n.press(t.phone, list, t.tag)
		n.find(t.phone, before, func(m whatsapptest.Message) bool { return strings.Contains(m.Text, "next goes to #"+t.tag) })
		n.says(n.Type(t.phone, text))
		k.pin[t.phone] = t
	default: // without any hint, after somebody else has said something
		meanwhile := "meanwhile before " + text
		k.customerSays(other, meanwhile)
		k.agent.awaitStatus(k.t, other.id, k.messageID(other, meanwhile), handoffv1.MessageStatus_MESSAGE_STATUS_DELIVERED)
		n.says(n.Type(t.phone, text))
		if other == k.pin[t.phone] { // it is what they chose, and the last that they saw
			other.said = append(other.said, text)
			return
		}
		question := n.find(t.phone, before, isQuestion(t))
		assert.Empty(k.t, k.heard(text), "it is asked back, and nothing is guessed")
		n.press(t.phone, question, t.tag)
		n.find(t.phone, before, func(m whatsapptest.Message) bool { return strings.Contains(m.Text, "next goes to #"+t.tag) })
		k.pin[t.phone] = t
	}
	t.said = append(t.said, text)
	if k.pin[t.phone] != t {
		k.pin[t.phone] = nil
	}
}

func isQuestion(t *talk) func(whatsapptest.Message) bool {
	return func(m whatsapptest.Message) bool {
		_, ok := choice(m, t.tag)
		return ok && strings.HasPrefix(m.Text, "Who is this for?")
	}
}

// swipe has a human answer a message. Before the server has the answer to the call
// that sent it, which no human is quick enough for, it does not know the message, and
// asks.
func (k *talks) swipe(t *talk, m whatsapptest.Message, text, heard string) {
	k.t.Helper()
	before := len(k.n.Chat(t.phone).Messages)
	r, err := k.n.Swipe(t.phone, m.ID, text)
	require.NoError(k.t, err)
	k.n.says(r)
	eventually(k.t, func() error {
		if len(k.heard(heard)) > 0 {
			return nil
		}
		for _, m := range k.n.Chat(t.phone).Messages[before:] {
			if isQuestion(t)(m) {
				k.n.press(t.phone, m, t.tag)
				k.pin[t.phone] = t
			}
		}
		return &missing{"answer", heard}
	})
}

// contradict quotes one session and names another: nobody can tell what is meant.
func (k *talks) contradict(t, other *talk, text string) {
	k.t.Helper()
	before := len(k.n.Chat(t.phone).Messages)
	r, err := k.n.Swipe(t.phone, k.last(other).ID, "#"+t.tag+" "+text)
	require.NoError(k.t, err)
	k.n.says(r)
	question := k.n.find(t.phone, before, isQuestion(t))
	assert.Empty(k.t, k.heard("#"+t.tag+" "+text))
	k.n.press(t.phone, question, t.tag)
	k.pin[t.phone] = t
	t.said = append(t.said, "#"+t.tag+" "+text)
}

// TestTenSessionsOnTwoPhones interleaves ten sessions on two phones at random, by
// all hints that there are. Each answer reaches its session, in order, and what is
// ambiguous is asked back.
func TestTenSessionsOnTwoPhones(t *testing.T) {
	t.Parallel()
	s, n := startServer(t), startNumber(t)
	n.connect(s, "shop")
	k := &talks{t: t, n: n, agent: s.agentClient("shop")}
	for i := range 10 {
		k.begin(i, i%2)
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	var phones sync.WaitGroup
	for phone := range k.of {
		phones.Go(func() {
			random := rand.New(rand.NewPCG(seed, uint64(phone)))
			own := k.of[phone]
			for step := range 20 {
				at := random.IntN(len(own))
				talk, other := own[at], own[(at+1+random.IntN(len(own)-1))%len(own)]
				text := fmt.Sprintf("answer %d of phone %d", step, phone)
				if step%10 == 9 {
					k.contradict(talk, other, text)
					continue
				}
				k.answer(talk, other, random.IntN(5), text)
			}
		})
	}
	phones.Wait()
	for phone := range k.of {
		for _, talk := range k.of[phone] {
			k.requireSaid(talk, n.Chat(phone).Name)
		}
	}
}

// requireSaid checks what the customer of a session was told, and by whom.
func (k *talks) requireSaid(t *talk, by string) {
	k.t.Helper()
	var got []string
	eventuallyWithin(k.t, 2*patience, func() error {
		got = nil
		for _, e := range k.agent.events(k.t, t.id) {
			if m := e.GetMessage(); m.GetAuthor() == handoffv1.Author_AUTHOR_HUMAN {
				got = append(got, m.GetText())
				assert.Equal(k.t, by, m.GetAuthorName())
			}
		}
		if len(got) < len(t.said) {
			return &missing{"answer", strings.Join(got, "\n")}
		}
		return nil
	})
	require.Equal(k.t, t.said, got)
}

// TestWholeHandoffOverWhatsApp has the server killed while a message is on its way:
// WhatsApp has taken it, and the answer never comes. A status tells that it got
// through, and it is not sent again.
func TestWholeHandoffOverWhatsApp(t *testing.T) {
	t.Parallel()
	s, n := startServer(t, withFixedPort()), startNumber(t)
	n.connect(s, "shop")
	n.says(n.Type(1, "hi"))
	n.find(1, 0, func(m whatsapptest.Message) bool { return strings.HasPrefix(m.Text, "No conversation is open") })
	k := &talks{t: t, n: n, agent: s.agentClient("shop")}
	k.begin(1, 0)
	ann := k.of[0][0]
	took := k.last(ann)
	assert.Contains(t, took.Text, "< question of Customer 1")
	n.find(1, 0, func(m whatsapptest.Message) bool { return strings.Contains(m.Text, "was taken by Ada") })
	k.swipe(ann, took, "Hi, how can I help?", "Hi, how can I help?")
	k.agent.awaitState(t, ann.id, active)
	k.customerSays(ann, "first")
	k.agent.awaitStatus(t, ann.id, k.messageID(ann, "first"), handoffv1.MessageStatus_MESSAGE_STATUS_DELIVERED)

	n.front.Fail(emulator.Fault{Hang: true, Done: true})
	k.customerSays(ann, "second")
	s.kill()
	n.front.Heal()
	answered := make(chan struct{})
	go func() { // while the server is down
		defer close(answered)
		n.says(n.Type(0, "Are you there?"))
	}()
	s.start()
	k.agent = s.client(k.agent.key)
	<-answered
	k.agent.send(t, ann.id, "third", "third")
	n.find(0, 0, func(m whatsapptest.Message) bool { return strings.HasSuffix(m.Text, "\nthird") })
	var customer []string
	for _, m := range n.Chat(0).Messages {
		if head, text, ok := strings.Cut(m.Text, "\n"); ok && head == "#"+ann.tag+" Customer 1" {
			customer = append(customer, text)
		}
	}
	require.Equal(t, []string{"first", "second", "third"}, customer)

	reads, err := n.Do(ann.tag, emulator.Act{Kind: emulator.Read})
	require.NoError(t, err)
	n.says(reads[0])
	for _, text := range customer {
		k.agent.awaitStatus(t, ann.id, k.messageID(ann, text), handoffv1.MessageStatus_MESSAGE_STATUS_READ)
	}
	ann.said = []string{"Hi, how can I help?", "Are you there?"}
	k.requireSaid(ann, "Ada")
	n.says(n.Type(0, "/close"))
	k.agent.awaitState(t, ann.id, closed)
	n.find(0, 0, func(m whatsapptest.Message) bool { return m.Text == "#"+ann.tag+" is closed." })
}

func (k *talks) messageID(t *talk, text string) string {
	k.t.Helper()
	return k.agent.awaitEvent(k.t, t.id, func(e *handoffv1.Event) bool { return e.GetMessage().GetText() == text }).GetMessage().GetId()
}

// TestTheWindowIsClosed offers a session to humans of whom the gateway thinks that
// they can be written to as it likes, and who cannot: the template comes after all.
func TestTheWindowIsClosed(t *testing.T) {
	t.Parallel()
	s, n := startServer(t), startNumber(t)
	n.connect(s, "shop")
	for phone := range 2 {
		n.says(n.Type(phone, "hi"))
		n.find(phone, 0, func(m whatsapptest.Message) bool { return strings.HasPrefix(m.Text, "No conversation is open") })
	}
	n.CloseWindows()
	k := &talks{t: t, n: n, agent: s.agentClient("shop")}
	k.begin(1, 1)
	ann := k.of[1][0]
	assert.Contains(t, k.last(ann).Text, "< question of Customer 1")
	for phone := range 2 {
		offers := 0
		for _, m := range n.Chat(phone).Messages {
			if strings.HasPrefix(m.Text, "A customer asks for a human. #"+ann.tag) {
				offers++
			}
		}
		assert.Equal(t, 1, offers, "once on each phone")
	}
	k.customerSays(ann, "Hello?")
}
