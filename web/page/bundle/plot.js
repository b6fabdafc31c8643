// A plot with very many points can be explored with the mouse: this script replaces the server's picture. The figures are in the
// element's data-plot: {x: [...], series: [{name, values: [...]}]}, times in seconds.
import uPlot from "uplot";
import sheet from "uplot/dist/uPlot.min.css";

const style = new CSSStyleSheet();
style.replaceSync(sheet + ":host{display:block}.u-legend{font:13px system-ui,sans-serif;color:var(--text)}");
const color = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function draw(figure) {
  const { x, series } = JSON.parse(figure.dataset.plot);
  const picture = figure.querySelector("svg");
  if (!picture) return;
  const holder = document.createElement("div");
  holder.setAttribute("role", "img");
  holder.ariaLabel = picture.ariaLabel;
  holder.attachShadow({ mode: "open" }).adoptedStyleSheets = [style];
  const inks = ["--s1", "--s2", "--s3", "--s4", "--s5"].map(color);
  const axis = { stroke: color("--dim"), grid: { stroke: color("--line"), width: 1 }, ticks: { stroke: color("--line"), width: 1 } };
  const size = () => ({ width: Math.max(280, figure.clientWidth), height: 280 });
  const root = holder.shadowRoot.appendChild(document.createElement("div"));
  picture.replaceWith(holder);
  const plot = new uPlot({
    ...size(), axes: [axis, axis], scales: { x: { time: true } }, tzDate: at => uPlot.tzDate(new Date(at * 1000), "UTC"),
    series: [{}, ...series.map((s, i) => ({ label: s.name, stroke: inks[i % inks.length], width: 1.5 }))],
  }, [x, ...series.map(s => s.values)], root);
  new ResizeObserver(() => plot.setSize(size())).observe(figure);
}

const drawAll = () => document.querySelectorAll("[data-plot]").forEach(draw);
drawAll();
new MutationObserver(drawAll).observe(document.querySelector("main"), { childList: true, subtree: true });
