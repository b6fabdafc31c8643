package analysis_test

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"mixduck/internal/day"
)

// byUser returns the events of each user, in order. Events without a distinct_id belong to nobody.
func byUser(all []happened) map[string][]happened {
	users := map[string][]happened{}
	for _, h := range all {
		if h.id != "" {
			users[h.id] = append(users[h.id], h)
		}
	}
	return users
}

// oracleActive returns day, dau, wau, mau.
func oracleActive(all []happened, days day.Range, name string) (rows []string) {
	for d := range days.All() {
		var counts [3]map[string]bool
		for i, length := range []day.Day{1, 7, 30} {
			counts[i] = map[string]bool{}
			for _, h := range all {
				if h.id != "" && h.day <= d && h.day > d-length && (name == "" || h.event == name) {
					counts[i][h.id] = true
				}
			}
		}
		rows = append(rows, fmt.Sprintf("%s|%d|%d|%d", d, len(counts[0]), len(counts[1]), len(counts[2])))
	}
	return rows
}

// oracleTrend returns period, event, total, users.
func oracleTrend(all []happened, days day.Range, names []string, unit string) (rows []string) {
	for _, name := range names {
		totals, users := map[day.Day]int{}, map[day.Day]map[string]bool{}
		for d := range days.All() {
			p := periodOf(d, unit)
			totals[p] += 0
			if users[p] == nil {
				users[p] = map[string]bool{}
			}
			for _, h := range all {
				if h.day == d && h.event == name {
					totals[p]++
					if h.id != "" {
						users[p][h.id] = true
					}
				}
			}
		}
		for p, n := range totals {
			rows = append(rows, fmt.Sprintf("%s|%s|%d|%d", p, name, n, len(users[p])))
		}
	}
	return rows
}

// periodOf returns the first day of the period of a day.
func periodOf(d day.Day, unit string) day.Day {
	t := d.Start(time.UTC)
	switch unit {
	case "week":
		return d - day.Day((int(t.Weekday())+6)%7)
	case "month":
		return day.New(t.Year(), t.Month(), 1)
	}
	return d
}

// funnelOf is what is asked about a funnel.
type funnelOf struct {
	steps    []string
	days     day.Range
	within   time.Duration
	anyOrder bool
	byPlan   bool
	proOnly  bool // the second step only with the plan pro
}

// oracleFunnel returns value, step, users. It follows each user from event to event.
func oracleFunnel(all []happened, f funnelOf) (rows []string) {
	reached := map[string][]int{} // users by value and number of steps
	for _, own := range byUser(all) {
		value, n := f.follow(own)
		if n == 0 {
			continue
		}
		if reached[value] == nil {
			reached[value] = make([]int, len(f.steps))
		}
		for i := range n {
			reached[value][i]++
		}
	}
	if len(reached) == 0 {
		reached["NULL"] = make([]int, len(f.steps))
	}
	for value, counts := range reached {
		for i, n := range counts {
			rows = append(rows, fmt.Sprintf("%s|%d|%d", value, i+1, n))
		}
	}
	return rows
}

// follow returns the value of a user's first event, and the number of steps taken.
func (f funnelOf) follow(own []happened) (value string, n int) {
	place := func(h happened) int { return slices.Index(f.steps, h.event) }
	fits := func(h happened, i int) bool {
		return f.steps[i] == h.event && (!f.proOnly || i != 1 || h.plan != nil && *h.plan == "pro")
	}
	own = slices.DeleteFunc(slices.Clone(own), func(h happened) bool { return place(h) < 0 || h.day < f.days.From })
	slices.SortStableFunc(own, func(a, b happened) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(place(a), place(b))) })
	value = "NULL"
	done := make([]bool, len(f.steps))
	var first, last happened
	for _, h := range own {
		switch {
		case n == len(f.steps), n > 0 && h.at.After(first.at.Add(f.within)), n > 0 && h.at.Equal(last.at) && h.event == last.event, n == 0 && h.day > f.days.To:
			continue
		}
		i := slices.IndexFunc(done, func(taken bool) bool { return !taken })
		if f.anyOrder {
			for i = 0; i < len(done) && (done[i] || !fits(h, i)); i++ {
			}
		}
		if i == len(done) || !fits(h, i) {
			continue
		}
		done[i], last = true, h
		if n++; n == 1 {
			first = h
		}
	}
	if n > 0 && f.byPlan && first.plan != nil {
		value = *first.plan
	}
	return value, n
}

// retentionOf is what is asked about retention.
type retentionOf struct {
	born, back string // back may be "" for any
	days       day.Range
	unit       string
	calendar   bool
	intervals  int
}

// oracleRetention returns cohort, users, interval, returned.
func oracleRetention(all []happened, r retentionOf) (rows []string) {
	users, returned := map[day.Day]int{}, map[day.Day]map[int]int{}
	earliest := map[day.Day]day.Day{}
	for _, own := range byUser(all) {
		i := slices.IndexFunc(own, func(h happened) bool { return h.event == r.born && r.days.Contains(h.day) })
		if i < 0 {
			continue
		}
		first := own[i]
		cohort := periodOf(first.day, r.unit)
		if users[cohort]++; users[cohort] == 1 || first.day < earliest[cohort] {
			earliest[cohort] = first.day
		}
		came := map[int]bool{}
		for j, h := range own {
			if j != i && !h.at.Before(first.at) && (r.back == "" || h.event == r.back) {
				came[r.interval(first, h)] = true
			}
		}
		if returned[cohort] == nil {
			returned[cohort] = map[int]int{}
		}
		for n := range came {
			returned[cohort][n]++
		}
	}
	last := slices.MaxFunc(append(all, happened{}), func(a, b happened) int { return cmp.Compare(a.day, b.day) }).day
	for cohort, n := range users {
		for i := range r.intervals {
			if r.begin(cohort, earliest[cohort], i) <= last {
				rows = append(rows, fmt.Sprintf("%s|%d|%d|%d", cohort, n, i, returned[cohort][i]))
			}
		}
	}
	return rows
}

// interval returns the interval of h.
func (r retentionOf) interval(first, h happened) int {
	if !r.calendar {
		return int(h.at.Sub(first.at).Hours()) / (24 * map[string]int{"day": 1, "week": 7, "month": 30}[r.unit])
	}
	n := 0
	for p := periodOf(first.day, r.unit); p < periodOf(h.day, r.unit); n++ {
		p = periodOf(p+map[string]day.Day{"day": 1, "week": 7, "month": 31}[r.unit], r.unit)
	}
	return n
}

// begin returns the first day of an interval of a cohort.
func (r retentionOf) begin(cohort, earliest day.Day, i int) day.Day {
	if !r.calendar {
		return earliest + day.Day(i*map[string]int{"day": 1, "week": 7, "month": 30}[r.unit])
	}
	for range i {
		cohort = periodOf(cohort+map[string]day.Day{"day": 1, "week": 7, "month": 31}[r.unit], r.unit)
	}
	return cohort
}

// oracleSessions returns user, session, start, end, events, first and last event.
func oracleSessions(all []happened, gap time.Duration) (rows []string) {
	for id, own := range byUser(all) {
		n := 0
		for from := 0; from < len(own); n++ {
			to := from + 1
			for to < len(own) && own[to].at.Sub(own[to-1].at) <= gap {
				to++
			}
			a, b := own[from], own[to-1]
			rows = append(rows, fmt.Sprintf("%s|%d|%s|%s|%d|%s|%s", id, n+1, stamp(a.at), stamp(b.at), to-from, a.event, b.event))
			from = to
		}
	}
	return rows
}

// oraclePaths returns path, users.
func oraclePaths(all []happened, start string, depth int, within time.Duration) (rows []string) {
	users := map[string]int{}
	for _, own := range byUser(all) {
		i := slices.IndexFunc(own, func(h happened) bool { return h.event == start })
		if i < 0 {
			continue
		}
		path := []string{}
		for _, h := range own {
			later := h.at.After(own[i].at) || h.at.Equal(own[i].at) && h.event > start
			if later && !h.at.After(own[i].at.Add(within)) && len(path) < depth {
				path = append(path, h.event)
			}
		}
		users["["+strings.Join(path, ", ")+"]"]++
	}
	for path, n := range users {
		rows = append(rows, fmt.Sprintf("%s|%d", path, n))
	}
	return rows
}

// oracleFirstTouch returns user, plan, time, event: the first known plan of each user. Of several at the same time, the
// first one in the alphabet counts.
func oracleFirstTouch(all []happened, days day.Range) (rows []string) {
	for id, own := range byUser(all) {
		var first *happened
		for _, h := range own {
			if h.plan == nil || !days.Contains(h.day) {
				continue
			}
			if first == nil || h.at.Equal(first.at) && *h.plan < *first.plan {
				first = &h
			}
		}
		if first != nil {
			rows = append(rows, fmt.Sprintf("%s|%s|%s|%s", id, *first.plan, stamp(first.at), first.event))
		}
	}
	return rows
}

// oracleIdentities returns device, user, time, number of users; and the canonical users of events.
func oracleIdentities(all []happened) (devices, canonical []string) {
	users := map[string]map[string]bool{}
	owner, since := map[string]string{}, map[string]time.Time{}
	link := func(device, user string, at time.Time) {
		if device == "" || user == "" {
			return
		}
		device = strings.TrimPrefix(device, "$device:")
		if users[device] == nil {
			users[device] = map[string]bool{}
		}
		users[device][user] = true
		if before, found := since[device]; !found || at.Equal(before) && user < owner[device] {
			owner[device], since[device] = user, at
		}
	}
	for _, h := range all { // ordered by time
		link(h.device, h.user, h.at)
		if h.event == "$identify" {
			link(h.anonymous, h.identified, h.at)
		}
	}
	for _, device := range slices.Sorted(maps.Keys(owner)) {
		devices = append(devices, fmt.Sprintf("%s|%s|%s|%d", device, owner[device], stamp(since[device]), len(users[device])))
	}
	for _, h := range all {
		canonical = append(canonical, cmp.Or(h.user, owner[h.device], owner[strings.TrimPrefix(h.id, "$device:")], h.id, "NULL")+"|"+cmp.Or(h.id, "NULL"))
	}
	return devices, canonical
}

func stamp(t time.Time) string { return t.Format(time.DateTime) }
