package qiyu

import (
	"fmt"
	"strings"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/briefing"
	"github.com/human-handoff/handoff/internal/provider/pieces"
)

// QiYu does not tell in which language its staff work, so what they read besides
// the customer's own words is in Chinese and English.

// labels are the Chinese names of what briefing calls in English.
var labels = map[string]string{
	"Reason": "原因", "Priority": "优先级", "Team": "团队", "Tags": "标签", "Language": "语言", "More": "其他",
	"E-mail, as the customer says": "客户自称的邮箱", "User id, as the customer says": "客户自称的用户ID",
	"Customer": "客户", "Assistant": "智能助手",
}

func label(english string) string {
	if chinese, known := labels[english]; known {
		return chinese + " " + english
	}
	return english
}

// opening is what staff read of a start, as messages. Each says which session it is
// of, so that they are not taken for the customer's own.
func opening(sessionID string, start handoff.Start) []string {
	var lines []string
	for _, fact := range briefing.Facts(start) {
		name, value, _ := strings.Cut(fact, ": ")
		lines = append(lines, label(name)+": "+value)
	}
	for _, turn := range start.Transcript {
		lines = append(lines, label(briefing.Speaker(turn))+": "+turn.Text)
	}
	question := start.Question
	if question == "" {
		question = "（请求人工服务）" + briefing.Nothing
	}
	lines = append(lines, "问题 Question: "+question)

	head := "【" + "Handoff " + sessionID + "】"
	parts := pieces.Of(strings.Join(lines, "\n"), maxText-len(head)-len("(99/99)\n"), pieces.UTF16)
	for i, part := range parts {
		number := ""
		if len(parts) > 1 {
			number = fmt.Sprintf("(%d/%d)", i+1, len(parts))
		}
		parts[i] = head + number + "\n" + part
	}
	return parts
}

var endings = map[handoff.CloseReason]string{
	handoff.ClosedByCustomer:       "客户结束了会话。",
	handoff.ClosedByOperator:       "会话已由运营人员结束。",
	handoff.ClosedByWaitTimeout:    "无人及时接待，会话已结束。",
	handoff.ClosedBySessionTimeout: "客户长时间未回复，会话已结束。",
	handoff.ClosedByExpiry:         "会话时间过长，已结束。",
}

// ending tells staff why a session ended; empty for reasons that QiYu knows itself.
func ending(reason handoff.CloseReason) string {
	chinese, told := endings[reason]
	if !told {
		return ""
	}
	return "【会话结束】" + chinese + " " + briefing.End(reason)
}

// userInfo is who the customer is, as QiYu shows it beside the talk. What is not
// proved stands under names of its own, so that QiYu matches nobody by it.
func userInfo(c provider.Call, customer handoff.Customer) []map[string]any {
	var list []map[string]any
	reserved := func(key, value string) {
		if value != "" {
			list = append(list, map[string]any{"key": key, "value": value})
		}
	}
	own := func(key, label, value string) {
		if value != "" {
			list = append(list, map[string]any{"index": len(list), "key": key, "label": label, "value": value})
		}
	}
	reserved("real_name", customer.Name)
	if customer.Unverified {
		own("claimed_mobile_phone", "客户自称的电话 Phone, as the customer says", customer.Phone)
		own("claimed_email", "客户自称的邮箱 E-mail, as the customer says", customer.Email)
		own("claimed_user_id", "客户自称的用户ID User id, as the customer says", customer.UserID)
	} else {
		reserved("mobile_phone", customer.Phone)
		reserved("email", customer.Email)
		own("user_id", "用户ID User id", customer.UserID)
	}
	own("agent", "智能助手 AI agent", c.AgentID)
	own("handoff_session", "转接会话 Handoff session", c.SessionID)
	return list
}
