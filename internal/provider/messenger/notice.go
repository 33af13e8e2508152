package messenger

import (
	"strings"

	"golang.org/x/text/language"

	"github.com/human-handoff/handoff/internal/handoff"
)

// Notice is what a human is told about a message of theirs that was not relayed,
// or an order that was carried out.
type Notice string

// The notices. Of those marked with a tag the text names the session, and of those
// with a person whom it is about.
const (
	NoticeNone          Notice = ""
	NoticeHelp          Notice = "help"
	NoticeWhich         Notice = "which"           // which of these is it for?
	NoticeNoSession     Notice = "no_session"      // nobody is waiting
	NoticeNothingToTake Notice = "nothing_to_take" // nobody is waiting for somebody to take them
	NoticeTakeFirst     Notice = "take_first"      // there are sessions, and none is this human's
	NoticeUnknown       Notice = "unknown"         // tag: there is no such session
	NoticeClosed        Notice = "closed"          // tag: it is over, nothing was relayed
	NoticeTaken         Notice = "taken"           // tag, person: somebody else has it
	NoticeOldButton     Notice = "old_button"      // a button of something that is over
	NoticeTook          Notice = "took"            // tag: it is yours now
	NoticeTookInGroup   Notice = "took_group"      // tag, person: as NoticeTook, for all to read
	NoticeReleased      Notice = "released"        // tag: it is offered to the others again
	NoticeEnded         Notice = "ended"           // tag: you closed it
	NoticePinned        Notice = "pinned"          // tag: what you write next goes there
	NoticeDropped       Notice = "dropped"         // what was held came to nobody
	NoticeUnreadable    Notice = "unreadable"      // a kind of message that cannot be relayed
	NoticeFileOrder     Notice = "file_order"      // a file came with a command: neither was done
	NoticeStranger      Notice = "stranger"        // to somebody who is none of the desk's humans
	NoticeGone          Notice = "gone"            // tag: the customer ended the conversation
	NoticeTimedOut      Notice = "timed_out"       // tag: the conversation ended by itself
	NoticeStopped       Notice = "stopped"         // tag: the operator ended the conversation
	NoticeExpired       Notice = "expired"         // tag: the conversation lasted too long
	LabelTake           Notice = "label_take"      // of a button
	LabelPass           Notice = "label_pass"
	LabelClose          Notice = "label_close"
	LabelChoose         Notice = "label_choose" // of a button that shows a list
)

// notices are the texts in each language: English first, which is what others get.
var notices = []struct {
	language language.Tag
	texts    map[Notice]string
}{
	{language.English, map[Notice]string{
		NoticeHelp: "What you write here goes to the customer. With several conversations, quote a message " +
			"or begin with its tag, as in “{tag} Hello”.\n/take takes a conversation, /pass gives it to the others, " +
			"/close ends it, /sessions lists all.",
		NoticeWhich:         "Who is this for? It was not sent to anybody yet.",
		NoticeNoSession:     "No conversation is open, so this was not sent to anybody.",
		NoticeNothingToTake: "Nobody is waiting.",
		NoticeTakeFirst:     "This was not sent to anybody: take a conversation first.",
		NoticeUnknown:       "There is no conversation {tag}, so this was not sent to anybody.",
		NoticeClosed:        "{tag} is over, so this was not sent.",
		NoticeTaken:         "{tag} was taken by {person}, so nothing was done.",
		NoticeOldButton:     "This button belongs to something that is over.",
		NoticeTook:          "{tag} is yours: what you write goes to the customer.",
		NoticeTookInGroup:   "{tag} is {person}'s: what they write to me goes to the customer.",
		NoticeReleased:      "{tag} is offered to the others again.",
		NoticeEnded:         "{tag} is closed.",
		NoticePinned:        "What you write next goes to {tag}.",
		NoticeDropped:       "You did not say who your messages were for. They were not sent to anybody.",
		NoticeUnreadable:    "This kind of message cannot be sent to customers. Write a text, or send a file.",
		NoticeFileOrder:     "A file came with a command, so nothing was done, and the file was not sent. Send one after the other.",
		NoticeStranger:      "This address is for our staff alone, and nobody reads what you write here. Please contact us where you usually do.",
		NoticeGone:          "{tag}: the customer ended the conversation.",
		NoticeTimedOut:      "{tag}: the conversation ended, for nobody said anything any more.",
		NoticeStopped:       "{tag}: the conversation was ended by the operator.",
		NoticeExpired:       "{tag}: the conversation ended, for it lasted too long.",
		LabelTake:           "Take",
		LabelPass:           "Pass on",
		LabelClose:          "Close",
		LabelChoose:         "Choose",
	}},
	{language.SimplifiedChinese, map[Notice]string{ //nolint:gosec // to pass on is no password
		NoticeHelp: "您在这里写的内容会发给客户。有多个会话时，请引用一条消息，或以编号开头，例如“{tag} 您好”。\n" +
			"/接入 接待会话，/放弃 转给其他人，/结束 结束会话，/会话 查看全部。",
		NoticeWhich:         "这条消息发给谁？目前尚未发给任何人。",
		NoticeNoSession:     "当前没有进行中的会话，消息未发送。",
		NoticeNothingToTake: "当前没有等待接入的客户。",
		NoticeTakeFirst:     "消息未发送：请先接入一个会话。",
		NoticeUnknown:       "没有编号为 {tag} 的会话，消息未发送。",
		NoticeClosed:        "{tag} 已结束，消息未发送。",
		NoticeTaken:         "{tag} 已由 {person} 接入，未做任何操作。",
		NoticeOldButton:     "该按钮对应的会话已结束。",
		NoticeTook:          "{tag} 已由您接入：您写的内容会发给客户。",
		NoticeTookInGroup:   "{tag} 由 {person} 接待：其@我的消息会发给客户。",
		NoticeReleased:      "{tag} 已重新开放给其他人。",
		NoticeEnded:         "{tag} 已结束。",
		NoticePinned:        "接下来的消息将发给 {tag}。",
		NoticeDropped:       "您没有选择会话，之前的消息未发给任何人。",
		NoticeUnreadable:    "这种消息无法发给客户，请发送文字或文件。",
		NoticeFileOrder:     "文件附带了指令，因此未执行任何操作，文件也未发送。请分开发送。",
		NoticeStranger:      "此账号仅供内部人员使用，您在这里写的内容无人查看。请通过您平常使用的渠道联系我们。",
		NoticeGone:          "{tag}：客户已结束会话。",
		NoticeTimedOut:      "{tag}：会话因长时间无人发言已自动结束。",
		NoticeStopped:       "{tag}：会话已由管理员结束。",
		NoticeExpired:       "{tag}：会话因持续时间过长已自动结束。",
		LabelTake:           "接入",
		LabelPass:           "转给他人",
		LabelClose:          "结束",
		LabelChoose:         "选择",
	}},
}

var matcher = func() language.Matcher {
	var tags []language.Tag
	for _, n := range notices {
		tags = append(tags, n.language)
	}
	return language.NewMatcher(tags)
}()

// NoticeOfClose returns what a human is told of a session's end; [NoticeNone] of one
// of which they know.
func NoticeOfClose(reason handoff.CloseReason) Notice {
	switch reason {
	case handoff.ClosedByCustomer:
		return NoticeGone
	case handoff.ClosedByOperator:
		return NoticeStopped
	case handoff.ClosedByWaitTimeout, handoff.ClosedBySessionTimeout:
		return NoticeTimedOut
	case handoff.ClosedByExpiry:
		return NoticeExpired
	default:
		return NoticeNone
	}
}

// Text is a notice in the language that comes closest to a locale, English if none
// does. Tag and person are those that it is about; either may be empty.
func (n Notice) Text(locale, tag, person string) string {
	_, i := language.MatchStrings(matcher, locale)
	if tag != "" {
		tag = "#" + tag
	} else {
		tag = "#H7K3" // an example
	}
	return strings.NewReplacer("{tag}", tag, "{person}", person).Replace(notices[i].texts[n])
}
