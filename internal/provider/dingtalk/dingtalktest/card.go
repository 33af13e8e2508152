package dingtalktest

import (
	"encoding/json"
	"maps"
	"net/http"

	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/emulator"
)

// card is an interactive card in the group.
type card struct{ params map[string]string }

type cardData struct {
	ParamMap map[string]string `json:"cardParamMap"`
}

func (e *Emulator) deliverCard(_ *http.Request, body []byte) (any, error) {
	var given struct {
		TemplateID   string   `json:"cardTemplateId"`
		OutTrackID   string   `json:"outTrackId"`
		UserIDType   int      `json:"userIdType"`
		CallbackType string   `json:"callbackType"`
		Data         cardData `json:"cardData"`
		SpaceID      string   `json:"openSpaceId"`
		Space        struct {
			Forward bool `json:"supportForward"`
		} `json:"imGroupOpenSpaceModel"`
		Deliver struct {
			RobotCode string `json:"robotCode"`
		} `json:"imGroupOpenDeliverModel"`
	}
	if err := decode(body, &given); err != nil {
		return nil, err
	}
	switch {
	case given.TemplateID != Template:
		return nil, invalidParameter("cardTemplateId: 卡片模板不存在")
	case given.OutTrackID == "" || len(given.OutTrackID) > 128:
		return nil, invalidParameter("outTrackId")
	case given.CallbackType != "STREAM" || given.UserIDType != 1:
		return nil, invalidParameter("callbackType or userIdType")
	case given.SpaceID != "dtv1.card//IM_GROUP."+Group || given.Deliver.RobotCode != e.id:
		return nil, invalidParameter("openSpaceId or robotCode")
	case e.cards[given.OutTrackID] != nil:
		return nil, refusal{http.StatusBadRequest, "param.outTrackIdExist", "outTrackId is used"}
	}
	e.cards[given.OutTrackID] = &card{given.Data.ParamMap}
	return map[string]any{"success": true, "result": map[string]any{"outTrackId": given.OutTrackID}}, nil
}

func (e *Emulator) updateCard(_ *http.Request, body []byte) (any, error) {
	var given struct {
		OutTrackID string   `json:"outTrackId"`
		Data       cardData `json:"cardData"`
		Options    struct {
			ByKey bool `json:"updateCardDataByKey"`
		} `json:"cardUpdateOptions"`
	}
	if err := decode(body, &given); err != nil {
		return nil, err
	}
	c := e.cards[given.OutTrackID]
	if c == nil {
		return nil, invalidParameter("outTrackId: 卡片不存在")
	}
	if !given.Options.ByKey {
		c.params = map[string]string{}
	}
	maps.Copy(c.params, given.Data.ParamMap)
	return map[string]any{"success": true, "result": true}, nil
}

// Cards returns the variables of the cards in the group, by their outTrackId.
func (e *Emulator) Cards() map[string]map[string]string {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := map[string]map[string]string{}
	for id, c := range e.cards {
		all[id] = maps.Clone(c.params)
	}
	return all
}

// Press has a human press a button of a card.
func (e *Emulator) Press(human int, outTrackID, action string) (provider.Request, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.cards[outTrackID] == nil {
		return provider.Request{}, emulator.ErrNoSession
	}
	content, err := json.Marshal(map[string]any{"cardPrivateData": map[string]any{"actionIds": []string{action}, "params": map[string]any{}}})
	if err != nil {
		return provider.Request{}, err
	}
	return e.callback(map[string]any{
		"type": "actionCallback", "outTrackId": outTrackID, "corpId": corp, "userId": Humans[human].StaffID, "userIdType": 1,
		"spaceType": "IM_GROUP", "spaceId": Group, "content": string(content), "extension": "{}", "value": string(content),
	}), nil
}
