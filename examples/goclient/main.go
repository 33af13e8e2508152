// Command goclient shows a whole handoff from an agent's backend: it requests a
// human, sends a message, follows the replies over a stream that resumes by
// itself, and closes the session when the human has answered (or after -wait).
//
//	HANDOFF_KEY=... go run ./examples/goclient -agent shop
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"time"

	"connectrpc.com/connect"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/gen/go/handoff/v1/handoffv1connect"
)

func main() {
	log.SetFlags(0)
	url := flag.String("url", env("http://127.0.0.1:8080", "HANDOFF_URL"), "address of the gateway (HANDOFF_URL)")
	key := flag.String("key", env("", "HANDOFF_KEY", "HANDOFF_ADMIN_KEY"), "key of scope agent or admin (HANDOFF_KEY)")
	agent := flag.String("agent", env("shop", "HANDOFF_AGENT"), "the agent that hands off (HANDOFF_AGENT)")
	conversation := flag.String("conversation", fmt.Sprintf("example-%d", time.Now().Unix()), "your id of the conversation")
	wait := flag.Duration("wait", 30*time.Second, "how long to wait for the human's first answer")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	httpClient := &http.Client{Transport: bearer(*key)}
	client := handoffv1connect.NewHandoffServiceClient(httpClient, *url)
	if err := handOff(ctx, client, *agent, *conversation, *wait); err != nil {
		log.Fatal(err) //nolint:gocritic // stop has nothing to do any more
	}
}

// env returns the first variable that is set, or a default.
func env(otherwise string, names ...string) string {
	for _, name := range names {
		if value := os.Getenv(name); value != "" {
			return value
		}
	}
	return otherwise
}

// bearer is a transport that adds the key to each call.
type bearer string

func (key bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+string(key))
	return http.DefaultTransport.RoundTrip(r)
}

func handOff(ctx context.Context, client handoffv1connect.HandoffServiceClient, agent, conversation string, wait time.Duration) error {
	answer, err := client.RequestHandoff(ctx, &handoffv1.RequestHandoffRequest{
		AgentId: agent, ConversationId: conversation,
		Customer: &handoffv1.Customer{Email: "ann@example.com", Name: "Ann"},
		Transcript: []*handoffv1.Turn{
			{Role: handoffv1.Turn_ROLE_USER, Text: "Where is my parcel?"},
			{Role: handoffv1.Turn_ROLE_ASSISTANT, Text: "It left our warehouse on Monday."},
		},
		Question: "I want to talk to a human.",
	})
	if err != nil {
		return err
	}
	if declined := answer.GetDeclined(); declined != nil {
		// Not an error: the agent tells the customer and goes on by itself.
		fmt.Println("declined:", declined.GetReason(), declined.GetReply())
		return nil
	}
	session := answer.GetSession().GetId()
	fmt.Println("session:", session)

	// The client's id makes the call safe to repeat: the message is sent once.
	_, err = client.SendMessage(ctx, &handoffv1.SendMessageRequest{
		SessionId: session, ClientMessageId: "1", Text: "Is anybody there?",
	})
	if err != nil {
		return err
	}

	// Closing twice does nothing, so the timer and the answer need not agree. The
	// stream may tell of the end before the call does, and end the program.
	closeSession := func() {
		if _, err := client.CloseSession(ctx, &handoffv1.CloseSessionRequest{SessionId: session}); err != nil && ctx.Err() == nil {
			log.Println("close:", err)
		}
	}
	timer := time.AfterFunc(wait, closeSession)
	defer timer.Stop()
	return follow(ctx, client, session, func(event *handoffv1.Event) {
		if message := event.GetMessage(); message.GetAuthor() == handoffv1.Author_AUTHOR_HUMAN {
			timer.Stop()
			closeSession()
		}
	})
}

// follow prints all events until the session is closed. When the stream breaks,
// it goes on after the last event that it saw, so none is missed or seen twice.
func follow(ctx context.Context, client handoffv1connect.HandoffServiceClient, session string, seen func(*handoffv1.Event)) error {
	var last uint64
	for ctx.Err() == nil {
		stream, err := client.StreamReplies(ctx, &handoffv1.StreamRepliesRequest{SessionId: session, AfterSequence: last})
		for err == nil && stream.Receive() { // an empty part is a heartbeat
			for _, event := range stream.Msg().GetEvents() {
				last = event.GetSequence()
				fmt.Println(last, describe(event))
				seen(event)
				if event.GetStateChanged().GetState() == handoffv1.SessionState_SESSION_STATE_CLOSED {
					return stream.Close()
				}
			}
		}
		if err == nil {
			err = stream.Err() // nil when the server stops; it will be back
			_ = stream.Close()
		}
		switch connect.CodeOf(err) {
		case connect.CodeInvalidArgument, connect.CodeNotFound, connect.CodeOutOfRange,
			connect.CodePermissionDenied, connect.CodeUnauthenticated:
			return err // another try would get the same answer
		default: // whatever broke the stream, it goes on
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
		}
	}
	return errors.New("interrupted")
}

func describe(event *handoffv1.Event) string {
	switch body := event.GetBody().(type) {
	case *handoffv1.Event_Message:
		return body.Message.GetAuthor().String() + ": " + body.Message.GetText()
	case *handoffv1.Event_StateChanged:
		return body.StateChanged.GetState().String()
	case *handoffv1.Event_MessageStatus:
		return body.MessageStatus.GetStatus().String()
	default:
		return "(something else)" // readers skip what they do not know
	}
}
