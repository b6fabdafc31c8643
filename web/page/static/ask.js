// The form for queries works without this script. It runs the query with Ctrl+Enter, and puts the cursor where an error is.
"use strict";

const sql = document.getElementById("sql");
sql?.addEventListener("keydown", e => {
  if (e.key !== "Enter" || !(e.ctrlKey || e.metaKey)) return;
  e.preventDefault();
  sql.form.requestSubmit();
});

// mark puts the cursor at a place of the statement.
function mark(line, column) {
  const lines = sql.value.split("\n");
  if (!line || !column || line > lines.length) return;
  const before = lines.slice(0, line - 1).reduce((n, text) => n + text.length + 1, 0);
  const at = before + [...lines[line - 1]].slice(0, column - 1).join("").length;
  sql.focus({ preventScroll: true });
  sql.setSelectionRange(at, at + (/^[\p{L}\p{N}_$]+/u.exec(sql.value.slice(at))?.[0].length ?? 0));
}
if (sql) mark(Number(sql.dataset.line), Number(sql.dataset.column));
