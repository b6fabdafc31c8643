package console

import "fmt"

// Windows says how many windows of a fetch are done or, while its first request is under way, what it waits for: that can take
// minutes.
func Windows(done, total, requests int, bytes int64) string {
	if done == 0 && bytes == 0 && requests > 0 {
		return "waiting for Mixpanel's first byte"
	}
	return fmt.Sprintf("%d/%d windows", done, total)
}
