package console

import (
	"io"
	"log/slog"

	"mixduck/config"
)

// Logger returns a logger for valid settings.
func Logger(cfg config.Log, w io.Writer) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(cfg.Level)); err != nil {
		level = slog.LevelInfo
	}
	opts := &slog.HandlerOptions{Level: level}
	if cfg.Format == "json" {
		return slog.New(slog.NewJSONHandler(Raw(w), opts))
	}
	return slog.New(slog.NewTextHandler(w, opts))
}
