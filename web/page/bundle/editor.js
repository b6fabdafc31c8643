// The editor for SQL takes the place of the text area of the Ask view, which works without it. It is in a shadow root, because
// the style sheets that it makes are allowed only there.
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { PostgreSQL, SQLDialect, sql } from "@codemirror/lang-sql";
import { HighlightStyle, bracketMatching, syntaxHighlighting } from "@codemirror/language";
import { Compartment, EditorState, Prec } from "@codemirror/state";
import { EditorView, drawSelection, highlightActiveLine, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";

const words = (PostgreSQL.spec.keywords || "") + " qualify pivot unpivot summarize describe exclude columns asof positional sample unnest lambda macro struct map list";
const types = (PostgreSQL.spec.types || "") + " hugeint uhugeint tinyint utinyint usmallint uinteger ubigint blob double struct map timestamp_s timestamp_ms timestamp_ns";
const duckDB = SQLDialect.define({ ...PostgreSQL.spec, keywords: words, types });

const theme = EditorView.theme({
  "&": { color: "var(--text)", backgroundColor: "var(--card)", border: "1px solid var(--line)", borderRadius: "6px", fontSize: ".87rem" },
  "&.cm-focused": { outline: "2px solid var(--focus)", outlineOffset: "2px" },
  ".cm-scroller": { fontFamily: 'ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace', lineHeight: "1.5", minHeight: "11rem", maxHeight: "60vh" },
  ".cm-content": { caretColor: "var(--text)", padding: ".5rem 0" },
  ".cm-gutters": { backgroundColor: "var(--soft)", color: "var(--dim)", border: "0", borderRadius: "5px 0 0 5px" },
  ".cm-activeLine": { backgroundColor: "transparent" },
  "&.cm-focused .cm-activeLine": { backgroundColor: "color-mix(in srgb, var(--soft) 55%, transparent)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "var(--run-bg)" },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  ".cm-matchingBracket, &.cm-focused .cm-matchingBracket": { backgroundColor: "var(--soft)", outline: "1px solid var(--line)" },
  ".cm-tooltip": { backgroundColor: "var(--card)", color: "var(--text)", border: "1px solid var(--line)" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]": { backgroundColor: "var(--run-bg)", color: "var(--text)" },
});
const colors = HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword, tags.modifier], color: "var(--run)", fontWeight: "550" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--ok)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--warn)" },
  { tag: [tags.comment, tags.lineComment, tags.blockComment], color: "var(--dim)", fontStyle: "italic" },
  { tag: [tags.typeName, tags.standard(tags.name)], color: "var(--warn)" },
]);

// complete adds the names of tables and columns once they are known. Without them, keywords are completed.
async function complete(view, language, address) {
  try {
    const answer = await fetch(address, { headers: { Accept: "application/json" } });
    if (!answer.ok) return;
    const { tables } = await answer.json();
    const schema = Object.fromEntries((tables || []).map(t => [t.name ?? t.table, t.columns || []]));
    view.dispatch({ effects: language.reconfigure(sql({ dialect: duckDB, schema, upperCaseKeywords: true })) });
  } catch {
    // The names are a convenience.
  }
}

function replace(area) {
  const holder = document.createElement("div");
  holder.className = "editor";
  const root = holder.attachShadow({ mode: "open" });
  const label = area.labels?.[0]?.textContent.trim() || "SQL";
  const language = new Compartment();
  const run = () => {
    area.form.requestSubmit(area.form.querySelector("button.main"));
    return true;
  };
  const focused = document.activeElement === area;
  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      doc: area.value,
      selection: { anchor: area.selectionStart, head: area.selectionEnd },
      extensions: [
        Prec.highest(keymap.of([{ key: "Mod-Enter", run }])),
        lineNumbers(), history(), drawSelection(), bracketMatching(), closeBrackets(), autocompletion(), highlightActiveLine(),
        keymap.of([...closeBracketsKeymap, ...completionKeymap, ...historyKeymap, ...defaultKeymap]),
        language.of(sql({ dialect: duckDB, upperCaseKeywords: true })),
        syntaxHighlighting(colors), theme, EditorView.lineWrapping,
        EditorView.contentAttributes.of({ "aria-label": label, spellcheck: "false" }),
        EditorView.updateListener.of(update => {
          if (!update.docChanged) return;
          area.value = update.state.doc.toString();
          area.dispatchEvent(new Event("input", { bubbles: true }));
        }),
      ],
    }),
  });
  area.after(holder);
  area.required = false; // browsers cannot point at a hidden field; the server tells what is missing
  area.hidden = true;
  if (focused) view.focus();
  if (area.dataset.names) complete(view, language, area.dataset.names);
}

for (const area of document.querySelectorAll("textarea.sql")) replace(area);
