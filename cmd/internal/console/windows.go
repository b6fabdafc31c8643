package console

import "fmt"

// Windows describes how many windows of a fetch are done. During its first request, which can take minutes, it
// describes what the fetch waits for.
func Windows(done, total, requests int, bytes int64) string {
	if done == 0 && bytes == 0 && requests > 0 {
		return "waiting for Mixpanel's first byte"
	}
	return fmt.Sprintf("%d/%d windows", done, total)
}
