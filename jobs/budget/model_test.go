package budget

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"pgregory.net/rapid"

	"mixduck/internal/redistest"
)

// budgetMachine drives two clients of one budget at random, and records what they were allowed.
type budgetMachine struct {
	mini    *miniredis.Miniredis
	clients []*Budget
	clock   *redistest.Clock
	sent    []time.Time // when each request was sent
	leases  map[Lease]time.Time
	blocked time.Time // the server wants no request before
	left    int       // how many more the server allows; -1 if it has not said
	until   time.Time // end of that allowance
	refused *booking  // result of the last action
	spare   bool      // the refused request was a spare one
}

// testBudget is small, so its limits are reached.
func testBudget(now func() time.Time) Config {
	return Config{PerPeriod: 8, PerSecond: 3, AtOnce: 4, LeaseTTL: 10 * time.Minute, Now: now}
}

func (m *budgetMachine) actions() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"": m.check, "acquire": m.acquire, "again": m.again, "wait": m.wait, "release": m.release, "renew": m.renew,
		"withdraw": m.withdraw, "overrule": m.overrule,
	}
}

func (m *budgetMachine) client(t *rapid.T) *Budget {
	return m.clients[rapid.IntRange(0, 1).Draw(t, "client")]
}

func (m *budgetMachine) turn(d time.Duration) {
	m.clock.Turn(d)
	m.mini.FastForward(d)
}

func (m *budgetMachine) wait(t *rapid.T) {
	most := rapid.SampledFrom([]int{300, 3_000, 60_000, 1_500_000}).Draw(t, "most ms")
	m.turn(time.Duration(rapid.IntRange(1, most).Draw(t, "ms")) * time.Millisecond)
	m.refused = nil
}

// acquire books a request, and waits until its time.
func (m *budgetMachine) acquire(t *rapid.T) {
	b := m.client(t)
	if m.spare = rapid.Bool().Draw(t, "spare"); m.spare {
		b = b.Spare()
	}
	l := Lease{budget: b, project: "demo", id: rapid.StringMatching(`[a-z]{12}`).Draw(t, "id")}
	m.book(t, l)
}

// again asks again at the time named by the last refusal. That must succeed unless leases are the limit.
func (m *budgetMachine) again(t *rapid.T) {
	if m.refused == nil || m.refused.limit == LimitAtOnce {
		t.Skip("nothing was refused")
	}
	m.turn(m.refused.at.Sub(m.clock.Now()))
	if len(m.live()) >= 4 {
		t.Skip("leases are missing as well")
	}
	b := m.client(t)
	if m.spare {
		b = b.Spare()
	}
	l := Lease{budget: b, project: "demo", id: rapid.StringMatching(`[a-z]{12}`).Draw(t, "id")}
	if answer := m.book(t, l); !answer.booked {
		t.Fatalf("refused until %v by %q, though it was told to come at that time", answer.at, answer.limit)
	}
}

func (m *budgetMachine) book(t *rapid.T, l Lease) booking {
	now := m.clock.Now()
	answer, err := l.budget.book(context.Background(), l, now)
	if err != nil {
		t.Fatal(err)
	}
	if answer.at.Before(now) || !answer.booked && !answer.at.After(now) || answer.booked && answer.at.Sub(now) > patience {
		t.Fatalf("at %v the answer is %+v", now, answer)
	}
	m.refused = nil
	m.checkReserve(t, answer, l.budget.reserve > 0)
	if !answer.booked {
		m.refused = &answer
		return answer
	}
	if repeated, err := l.budget.book(context.Background(), l, now); err != nil || repeated.at != answer.at || !repeated.booked {
		t.Fatalf("the same question again = %+v, %v; want %+v", repeated, err, answer)
	}
	if answer.at.Before(m.blocked) {
		t.Fatalf("a request at %v, though the server wants none before %v", answer.at, m.blocked)
	}
	if now.Before(m.until) && m.left >= 0 {
		if m.left--; m.left < 0 && answer.at.Before(m.until) {
			t.Fatalf("a request more than the server allows before %v", m.until)
		}
	}
	if n := len(m.live()); n >= 4 {
		t.Fatalf("%d requests are under way, and one more was allowed", n)
	}
	m.sent = append(m.sent, answer.at)
	m.leases[l] = answer.at.Add(l.budget.cfg.LeaseTTL)
	return answer
}

// checkReserve checks that spare requests leave more than a third of the hour's 8.
func (m *budgetMachine) checkReserve(t *rapid.T, answer booking, spare bool) {
	at := answer.at
	if !answer.booked {
		at = m.clock.Now()
	}
	used := 0
	for _, sent := range m.sent {
		if sent.After(at.Add(-time.Hour)) {
			used++
		}
	}
	server := m.left >= 0 && m.clock.Now().Before(m.until) // its response applies
	switch {
	case !answer.booked && answer.limit == LimitReserve && (!spare || used < 6):
		t.Fatalf("refused for the sake of others, though %d of 8 are used (spare: %v)", used, spare)
	case answer.booked && spare && used >= 6:
		t.Fatalf("a spare request, though %d of 8 are used", used)
	case answer.booked && spare && server && m.left <= 2 && at.Before(m.until):
		t.Fatalf("a spare request, though the server allows only %d", m.left)
	}
}

// live returns the leases that have not expired.
func (m *budgetMachine) live() []Lease {
	var live []Lease
	for l, ends := range m.leases {
		if ends.After(m.clock.Now()) {
			live = append(live, l)
		}
	}
	slices.SortFunc(live, func(a, b Lease) int { return m.leases[a].Compare(m.leases[b]) })
	return live
}

func (m *budgetMachine) drawLive(t *rapid.T) Lease {
	live := m.live()
	if len(live) == 0 {
		t.Skip("no leases")
	}
	return live[rapid.IntRange(0, len(live)-1).Draw(t, "lease")]
}

func (m *budgetMachine) release(t *rapid.T) {
	l := m.drawLive(t)
	l.Release(context.Background())
	delete(m.leases, l)
	m.refused = nil
}

func (m *budgetMachine) renew(t *rapid.T) {
	l := m.drawLive(t)
	if err := l.Renew(context.Background()); err != nil {
		t.Fatal(err)
	}
	m.leases[l] = m.clock.Now().Add(l.budget.cfg.LeaseTTL)
}

// withdraw cancels a booked request that was not sent yet.
func (m *budgetMachine) withdraw(t *rapid.T) {
	l := m.drawLive(t)
	at := m.leases[l].Add(-l.budget.cfg.LeaseTTL)
	i := slices.IndexFunc(m.sent, func(sent time.Time) bool { return sent.Equal(at) && sent.After(m.clock.Now()) })
	if i < 0 {
		t.Skip("it has gone")
	}
	l.withdraw(context.Background())
	m.sent = slices.Delete(m.sent, i, i+1)
	delete(m.leases, l)
	if m.left >= 0 {
		m.left++
	}
}

func (m *budgetMachine) overrule(t *rapid.T) {
	now := m.clock.Now()
	until := now.Add(time.Duration(rapid.IntRange(-1000, 4_000_000).Draw(t, "until ms")) * time.Millisecond)
	left := rapid.IntRange(0, 5).Draw(t, "left")
	if err := m.client(t).Overrule(context.Background(), "demo", until, left); err != nil {
		t.Fatal(err)
	}
	m.refused = nil
	switch {
	case !until.After(now):
	case left == 0 && until.After(m.blocked):
		m.blocked = until
	case left > 0 && !m.blocked.After(now):
		m.left, m.until = left, until
	}
}

// check compares sent requests with the limits, and reported state with sent requests.
func (m *budgetMachine) check(t *rapid.T) {
	for limit, span := range map[int]time.Duration{8: time.Hour, 3: time.Second} {
		for i := limit; i < len(m.sent); i++ {
			if between := m.sent[i].Sub(m.sent[i-limit]); between < span {
				t.Fatalf("%d requests within %v", limit+1, between)
			}
		}
	}
	now, used := m.clock.Now(), 0
	horizon := now // or when the last booked request is sent
	if n := len(m.sent); n > 0 && m.sent[n-1].After(now) {
		horizon = m.sent[n-1]
	}
	var refills time.Time
	for _, at := range m.sent {
		if at.After(horizon.Add(-time.Hour)) {
			if used++; used == 1 {
				refills = at.Add(time.Hour)
			}
		}
	}
	s, err := m.client(t).State(context.Background(), "demo")
	if err != nil {
		t.Fatal(err)
	}
	if s.UsedLastHour != used || s.Limit != 8 || s.AtOnce != len(m.live()) || !s.RefillsAt.Equal(refills) || s.Left > 8-used {
		t.Fatalf("state = %+v; want %d used, %d at once, refilled at %v", s, used, len(m.live()), refills)
	}
	if blocked := m.blocked.After(now); blocked != !s.BlockedUntil.IsZero() || blocked && (s.Left > 0 || s.NextFreeAt.Before(m.blocked)) {
		t.Fatalf("state = %+v; want it blocked until %v", s, m.blocked)
	}
}

func TestABudgetIsKeptUnderAnyInterleaving(t *testing.T) {
	t.Parallel()
	mini := miniredis.NewMiniRedis()
	t.Cleanup(mini.Close)
	one, two := redistest.Piped(t, mini), redistest.Piped(t, mini)
	c := redistest.NewClock()
	rapid.Check(t, func(t *rapid.T) {
		mini.FlushAll()
		m := &budgetMachine{mini: mini, clock: c, leases: make(map[Lease]time.Time), left: -1}
		for _, rdb := range []*redis.Client{one, two} {
			b, err := New(rdb, testBudget(c.Now))
			if err != nil {
				t.Fatal(err)
			}
			m.clients = append(m.clients, b)
		}
		t.Repeat(m.actions())
		m.turn(25 * time.Hour)
		if keys := mini.Keys(); len(keys) > 0 {
			t.Fatalf("keys %v are left after a day", keys)
		}
	})
}
