package dingtalktest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/human-handoff/handoff/internal/provider"
)

// body is what all messages to the robot have.
func (e *Emulator) body(who int, msgID string) map[string]any {
	sender := "$:LWCP_v1:$" + Humans[who].StaffID
	return map[string]any{
		"conversationId": Group, "conversationType": "2", "conversationTitle": "客服组", "openThreadId": Group,
		"msgId": msgID, "createAt": e.now().UnixMilli(),
		"senderId": sender, "senderNick": Humans[who].Nick, "senderStaffId": Humans[who].StaffID, "senderCorpId": corp,
		"isAdmin": false, "isInAtList": true, "atUsers": []any{map[string]any{"dingtalkId": chatbot}},
		"chatbotUserId": chatbot, "chatbotCorpId": corp, "robotCode": e.id, "senderPlatform": "iOS",
		"sessionWebhook":            "https://oapi.dingtalk.com/robot/sendBySession?session=0123456789abcdef",
		"sessionWebhookExpiredTime": e.now().Add(90 * time.Minute).UnixMilli(),
	}
}

// mention has a human mention the robot, and quote a message if there is one.
func (e *Emulator) mention(who int, text string, quoted *item) provider.Request {
	it := &item{id: e.newID("msg"), who: who, text: text, time: e.now()}
	e.items = append(e.items, it)
	body := e.body(who, it.id)
	content := map[string]any{"content": " " + text}
	if quoted != nil {
		it.tag = quoted.tag
		replied := map[string]any{
			"msgType": "text", "msgId": "msgQ" + quoted.id, "senderId": chatbot, "createdAt": quoted.time.UnixMilli(),
			"content": map[string]any{"text": quoted.text},
		}
		if quoted.who >= 0 {
			replied["msgId"], replied["senderId"] = quoted.id, "$:LWCP_v1:$"+Humans[quoted.who].StaffID
		}
		content["isReplyMsg"], content["repliedMsg"] = true, replied
		body["originalMsgId"] = replied["msgId"]
		if quoted.who < 0 && !e.BareQuote {
			body["originalProcessQueryKey"] = quoted.id
		}
	}
	body["msgtype"], body["text"] = "text", content
	return e.callback(body)
}

// echo is what the robot wrote, as some organisations have it sent to it, too.
func (e *Emulator) echo(it *item) provider.Request {
	body := e.body(0, it.id)
	body["senderId"], body["senderNick"], body["senderStaffId"] = chatbot, "Handoff", ""
	body["msgtype"], body["text"] = "text", map[string]any{"content": it.text}
	return e.callback(body)
}

func (e *Emulator) callback(body map[string]any) provider.Request {
	text, _ := json.Marshal(body)
	return e.Webhook(text)
}

// Webhook implements emulator.Emulator.
func (e *Emulator) Webhook(body []byte) provider.Request {
	return e.Signed(body, e.now(), e.secret)
}

// Signed is a webhook that is signed at a time with a secret.
func (e *Emulator) Signed(body []byte, at time.Time, secret string) provider.Request {
	timestamp := strconv.FormatInt(at.UnixMilli(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(timestamp + "\n" + secret))
	header := http.Header{}
	header.Set("Content-Type", "application/json; charset=utf-8")
	header.Set("Timestamp", timestamp)
	header.Set("Sign", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	return provider.Request{Method: http.MethodPost, Header: header, Body: body, Time: e.now()}
}
