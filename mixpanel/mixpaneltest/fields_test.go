package mixpaneltest

import (
	"fmt"
	"strings"
	"testing"
)

func TestFieldsOf(t *testing.T) {
	t.Parallel()
	tests := []struct{ object, want string }{
		{`{}`, ""},
		{`{"a":1}`, `a=1`},
		{` {"a":1}`, ""},
		{`{ "a" : -1.5e3 , "b":[1,{"c":"}]"}], "\u00e4\"":"\\" ,"":{} }`, `a=-1.5e3 b=[1,{"c":"}]"}] ä"="\\" ={}`},
		{`{"a":"x,y","a":null}`, `a="x,y" a=null`},
		{`{"a"`, ""},
		{`{"a":`, ""},
		{`[1]`, ""},
		{``, ""},
	}
	for _, tt := range tests {
		var got []string
		for key, value := range fieldsOf(tt.object) {
			got = append(got, fmt.Sprintf("%s=%s", key, value))
		}
		if s := strings.Join(got, " "); s != tt.want {
			t.Errorf("fieldsOf(%s) = %s, want %s", tt.object, s, tt.want)
		}
	}
	if got := only(`{"a":1,"b":2, "c" : 3}`, []string{"c", "a"}); got != `{"a":1,"c":3}` {
		t.Errorf("only = %s", got)
	}
	if got := lastSeen(`{"x":{"$last_seen":"no"},"$last_seen":"2026","$last_seen":"2027"}`); got != "2026" {
		t.Errorf("lastSeen = %s", got)
	}
}
