// A plot with very many points can be explored with the mouse: this script replaces the server's picture. The figures are in the
// element's data-plot: {x: [...], time: bool, series: [{name, values: [...]}]}, times in seconds.
import uPlot from "uplot";
import sheet from "uplot/dist/uPlot.min.css";

const style = new CSSStyleSheet();
style.replaceSync(sheet + ":host{display:block}.u-legend{font:13px system-ui,sans-serif;color:var(--text)}");
const color = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function draw(figure) {
  const { x, time, series } = JSON.parse(figure.dataset.plot);
  const picture = figure.querySelector("svg");
  const holder = document.createElement("div");
  holder.attachShadow({ mode: "open" }).adoptedStyleSheets = [style];
  const inks = ["--accent", "--ok", "--bad", "--late", "--part", "--dim"].map(color);
  const axis = { stroke: color("--dim"), grid: { stroke: color("--line"), width: 1 }, ticks: { stroke: color("--line"), width: 1 } };
  const size = () => ({ width: Math.max(280, figure.clientWidth), height: 280 });
  picture.replaceWith(holder);
  const plot = new uPlot({
    ...size(), axes: [axis, axis], scales: { x: { time } }, tzDate: at => uPlot.tzDate(new Date(at * 1000), "UTC"),
    series: [{}, ...series.map((s, i) => ({ label: s.name, stroke: inks[i % inks.length], width: 1.5 }))],
  }, [x, ...series.map(s => s.values)], holder.shadowRoot);
  new ResizeObserver(() => plot.setSize(size())).observe(figure);
}

for (const figure of document.querySelectorAll("[data-plot]")) draw(figure);
