package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"mixduck/internal/secret"
)

// field describes how to read and write a setting of a T.
type field[T any] struct {
	set  func(*T, string) error   // nil for lists
	list func(*T, []string) error // nil for single texts
	show func(*T) string          // in the form that set accepts

	numeric bool     // may be a number in the file
	boolean bool     // a boolean
	allowed []string // all possible values; nil if they cannot be listed

	key string // key of a mapping that is read as "key: value"; "" if the value cannot be a mapping
}

// text is a text that is not blank and passes check; check may be nil.
func text[T any](at func(*T) *string, check func(string) error) field[T] {
	return field[T]{show: func(t *T) string { return *at(t) }, set: func(t *T, v string) error {
		if strings.TrimSpace(v) == "" {
			return errors.New("is empty")
		}
		if check != nil {
			if err := check(v); err != nil {
				return err
			}
		}
		*at(t) = v
		return nil
	}}
}

func oneOf[T any](at func(*T) *string, allowed ...string) field[T] {
	f := field[T]{allowed: allowed, show: func(t *T) string { return *at(t) }}
	f.set = func(t *T, v string) error {
		if !slices.Contains(allowed, v) {
			return fmt.Errorf("%q is not one of %s%s", v, strings.Join(allowed, ", "), didYouMean(v, allowed))
		}
		*at(t) = v
		return nil
	}
	return f
}

func yesNo[T any](at func(*T) *bool) field[T] {
	return field[T]{boolean: true, show: func(t *T) string { return strconv.FormatBool(*at(t)) }, set: func(t *T, v string) error {
		if v != "true" && v != "false" {
			return fmt.Errorf("%q is not true or false", v)
		}
		*at(t) = v == "true"
		return nil
	}}
}

// list is a list of texts that are not blank and pass check; check may be nil.
func list[T any](at func(*T) *[]string, check func([]string) error) field[T] {
	return field[T]{show: func(t *T) string { return listText(*at(t)) }, list: func(t *T, all []string) error {
		if slices.ContainsFunc(all, func(s string) bool { return strings.TrimSpace(s) == "" }) {
			return errors.New("the list has an empty entry")
		}
		if check != nil {
			if err := check(all); err != nil {
				return err
			}
		}
		*at(t) = all
		return nil
	}}
}

// listText quotes entries that contain commas.
func listText(all []string) string {
	shown := make([]string, len(all))
	for i, s := range all {
		if shown[i] = s; strings.Contains(s, ",") {
			shown[i] = strconv.Quote(s)
		}
	}
	return strings.Join(shown, ", ")
}

// span is a duration of at least least.
func span[T any](least time.Duration, at func(*T) *time.Duration) field[T] {
	return field[T]{show: func(t *T) string { return spanText(*at(t)) }, set: func(t *T, v string) error {
		d, err := parseSpan(v)
		if err != nil || d < 0 || d == 0 && least > 0 {
			return fmt.Errorf("%q is not a duration like 90s, 5m or 31d", v)
		}
		if d < least {
			return fmt.Errorf("%s is too short; the minimum is %s", v, spanText(least))
		}
		*at(t) = d
		return nil
	}}
}

const oneDay = 24 * time.Hour

// parseSpan reads a duration in the form of [time.ParseDuration], or a number of days such as 31d.
func parseSpan(v string) (time.Duration, error) {
	digits, days := strings.CutSuffix(v, "d")
	if !days {
		return time.ParseDuration(v)
	}
	n, err := strconv.ParseUint(digits, 10, 16)
	return time.Duration(n) * oneDay, err
}

func spanText(d time.Duration) string {
	if d > 0 && d%oneDay == 0 {
		return strconv.Itoa(int(d/oneDay)) + "d"
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

func count[T any](at func(*T) *int) field[T] {
	return field[T]{numeric: true, show: func(t *T) string { return strconv.Itoa(*at(t)) }, set: func(t *T, v string) error {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 {
			return fmt.Errorf("%q is not a positive number", v)
		}
		*at(t) = n
		return nil
	}}
}

// days is a number of days up to most, such as 5d or 5.
func days[T any](most int, at func(*T) *int) field[T] {
	return field[T]{numeric: true, show: func(t *T) string { return strconv.Itoa(*at(t)) + "d" }, set: func(t *T, v string) error {
		n, err := strconv.ParseUint(strings.TrimSuffix(v, "d"), 10, 31)
		if err != nil || int(n) > most {
			return fmt.Errorf("%q is not a number of days between 0d and %dd", v, most)
		}
		*at(t) = int(n)
		return nil
	}}
}

// minMemory is the minimum for a load or a query, in bytes.
const minMemory = 128_000_000

func size[T any](least int64, at func(*T) *int64) field[T] {
	return field[T]{numeric: true, show: func(t *T) string { return sizeText(*at(t)) }, set: func(t *T, v string) error {
		digits := strings.TrimRight(v, "KMGBkmgb")
		factor := map[string]int64{"": 1, "B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9}[strings.ToUpper(v[len(digits):])]
		n, err := strconv.ParseUint(digits, 10, 63)
		if err != nil || factor == 0 || int64(n) > (1<<62)/factor {
			return fmt.Errorf("%q is not a size like 512MB or 2GB", v)
		}
		if int64(n)*factor < least {
			return fmt.Errorf("%s is too small; the minimum is %s", v, sizeText(least))
		}
		*at(t) = int64(n) * factor
		return nil
	}}
}

func sizeText(n int64) string {
	for _, unit := range []struct {
		name   string
		factor int64
	}{{"GB", 1e9}, {"MB", 1e6}, {"KB", 1e3}} {
		if n > 0 && n%unit.factor == 0 {
			return strconv.FormatInt(n/unit.factor, 10) + unit.name
		}
	}
	return strconv.FormatInt(n, 10) + "B"
}

const off = "off"

// address is a host and port, or off, which becomes an empty text.
func address[T any](at func(*T) *string) field[T] {
	return field[T]{show: func(t *T) string {
		if *at(t) == "" {
			return off
		}
		return *at(t)
	}, set: func(t *T, v string) error {
		if v == off {
			*at(t) = ""
			return nil
		}
		_, port, err := net.SplitHostPort(v)
		if err == nil {
			_, err = strconv.ParseUint(port, 10, 16)
		}
		if err != nil {
			return fmt.Errorf("%q is not an address like %s, or off", v, defaultListen)
		}
		*at(t) = v
		return nil
	}}
}

// hostName matches a DNS name. Names of containers may contain underscores.
var hostName = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?$`)

// hosts is a list of host names and IP addresses without ports, separated by commas in a variable or a flag.
func hosts[T any](at func(*T) *[]string) field[T] {
	return field[T]{show: func(t *T) string { return strings.Join(*at(t), ", ") }, list: func(t *T, all []string) error {
		var found []string
		for v := range strings.SplitSeq(strings.Join(all, ","), ",") {
			host := strings.ToLower(strings.TrimSpace(v))
			if ip := net.ParseIP(host); ip != nil {
				host = ip.String()
			} else if !hostName.MatchString(host) {
				return fmt.Errorf("%q is not a host name without a port, like mixduck.example.com", v)
			}
			found = append(found, host)
		}
		*at(t) = found
		return nil
	}}
}

func basePath[T any](at func(*T) *string) field[T] {
	return field[T]{show: func(t *T) string { return *at(t) }, set: func(t *T, v string) error {
		if v != path.Clean(v) || !path.IsAbs(v) || v == "/" || strings.ContainsAny(v, " \t{}?#%\\\"") {
			return fmt.Errorf("%q is not a path like /mixduck", v)
		}
		*at(t) = v
		return nil
	}}
}

func hidden[T any](at func(*T) *secret.String) field[T] {
	return field[T]{show: func(t *T) string {
		if at(t).IsZero() {
			return ""
		}
		return at(t).String()
	}, set: func(t *T, v string) error {
		if strings.TrimSpace(v) == "" {
			return errors.New("is empty")
		}
		*at(t) = secret.New(v)
		return nil
	}}
}

func requests() field[Config] {
	return field[Config]{numeric: true, show: func(c *Config) string {
		if c.Mixpanel.RequestsPerHour == 0 {
			return off
		}
		return strconv.Itoa(c.Mixpanel.RequestsPerHour)
	}, set: func(c *Config, v string) error {
		if v == off {
			c.Mixpanel.RequestsPerHour = 0
			return nil
		}
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 {
			return fmt.Errorf("%q is not a positive number, or off", v)
		}
		c.Mixpanel.RequestsPerHour = n
		return nil
	}}
}

func redisURL() field[Config] {
	return field[Config]{show: func(c *Config) string {
		u, err := url.Parse(c.Redis.URL.Reveal())
		if err != nil || c.Redis.URL.IsZero() {
			return ""
		}
		user := ""
		if u.User != nil {
			user = c.Redis.URL.String() + "@"
		}
		return u.Scheme + "://" + user + u.Host + u.Path
	}, set: func(c *Config, v string) error {
		u, err := url.Parse(v)
		if err != nil || !slices.Contains([]string{"redis", "rediss", "unix"}, u.Scheme) { // the error would contain the password
			return errors.New("is not a redis://, rediss:// or unix:// URL")
		}
		c.Redis.URL = secret.New(v)
		return nil
	}}
}

// withoutUser rejects a URL that may contain a password.
func withoutUser(v string) error {
	if strings.Contains(v, "@") {
		return errors.New("contains a user or password")
	}
	return nil
}
