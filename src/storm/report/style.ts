/**
 * Of the page. Hues are told apart by people who see few colours, too, and on paper; a stage and the protocol that
 * mostly brings it share one. Everything is text of the reader's size: nothing is scaled with the window.
 */
const light = `
  --page: #fbfbf9; --card: #ffffff; --ink: #1b1d21; --soft: #5c6068; --edge: #dcdcd6; --grid: #e9e9e4;
  --dhcp: #2a78d6; --loader: #159a6c; --kernel: #d99400; --root: #6a55c9; --volume: #d9602c; --up: #4c8a24;
  --mount: #c75a92; --idle: #d3d4d1; --bad: #c62f2f; --limit: #1b1d21; --well: #2d7a31;`;
const dark = `
  --page: #16181b; --card: #1e2125; --ink: #eceef0; --soft: #a6abb3; --edge: #363a40; --grid: #2c3035;
  --dhcp: #4b93ea; --loader: #25ab7d; --kernel: #d09318; --root: #9383ea; --volume: #e07040; --up: #6fae45;
  --mount: #dc74aa; --idle: #4a4f56; --bad: #ef6a6a; --limit: #eceef0; --well: #7cc47f;`;

const hues: readonly (readonly [name: string, variable: string])[] = [
  ["dhcp", "dhcp"],
  ["loader", "loader"],
  ["tftp", "loader"],
  ["kernel", "kernel"],
  ["http", "kernel"],
  ["root", "root"],
  ["nfs", "root"],
  ["volume", "volume"],
  ["iscsi", "volume"],
  ["mount", "mount"],
  ["up", "up"],
  ["waiting", "idle"],
  ["started", "soft"],
  ["unfinished", "idle"],
  ["failed", "bad"],
  ["server", "root"],
  ["load", "volume"],
  ["machine", "soft"],
  ["first", "dhcp"],
  ["second", "volume"],
];

const colours = hues
  .map(([name, variable]) => `.${name}{fill:var(--${variable});--hue:var(--${variable})}`)
  .join("\n");

export const style = `
:root{color-scheme:light dark;${light}}
@media (prefers-color-scheme:dark){:root{${dark}}}
@media print{:root{color-scheme:light;${light}--page:#fff}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,"Segoe UI",Roboto,"Liberation Sans",sans-serif;
  -webkit-text-size-adjust:100%}
main{max-width:1120px;margin:0 auto;padding:28px 20px 48px}
h1{font-size:26px;line-height:1.2;margin:0 0 6px;letter-spacing:-.01em}
h2{font-size:18px;line-height:1.3;margin:0 0 4px}
h3{font-size:15px;margin:18px 0 4px}
p{margin:4px 0 10px;max-width:76ch;overflow-wrap:anywhere}
header p{max-width:none}
.thin{shape-rendering:crispEdges}
.soft{color:var(--soft)}
.lead{font-size:17px;max-width:70ch}
section{background:var(--card);border:1px solid var(--edge);border-radius:10px;padding:18px 20px 16px;margin:18px 0}
.figures{display:grid;grid-template-columns:repeat(auto-fill,minmax(170px,1fr));margin:18px 0;padding:0;
  background:var(--card);border:1px solid var(--edge);border-radius:10px;overflow:hidden}
.figures div{box-shadow:0 0 0 .5px var(--edge);padding:12px 16px 11px;display:flex;flex-direction:column}
.figures dt{color:var(--soft);font-size:13px}
.figures dd{margin:0}
.figures .value{font-size:23px;font-weight:600;line-height:1.25;font-variant-numeric:tabular-nums}
.figures .note{color:var(--soft);font-size:13px}
.bad-text{color:var(--bad)}
.well-text{color:var(--well)}
.by{border-left:4px solid var(--root);padding-left:14px}
.by.warn{border-color:var(--bad)}
figure{margin:12px 0 4px}
.pair{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:0 28px}
.plotbox{padding:10px 6px 0 62px}
.plotbox.rows{padding-left:0}
svg{display:block;overflow:visible}
svg svg{overflow:hidden}
.tick{fill:var(--soft);font-size:12px;font-variant-numeric:tabular-nums}
.grid{stroke:var(--grid)}
.axis{stroke:var(--edge)}
.area{stroke:none}
svg .line{fill:none;stroke:var(--hue);stroke-width:2;stroke-linejoin:round;vector-effect:non-scaling-stroke}
.limit line{stroke:var(--limit);stroke-width:1.5;stroke-dasharray:6 4}
.limit text{fill:var(--ink);font-size:12px;font-weight:600;paint-order:stroke;stroke:var(--card);stroke-width:4px;stroke-linejoin:round}
.incident line{stroke:var(--bad);stroke-width:1.5}
.incident circle{fill:var(--bad)}
.incident text{fill:var(--card);font-size:11px;font-weight:700}
.whisker{stroke:var(--soft);stroke-width:2}
svg .dot{fill:var(--card);stroke:var(--hue);stroke-width:2.5}
.label{fill:var(--ink);font-size:13px}
${colours}
.legend{list-style:none;display:flex;flex-wrap:wrap;gap:3px 16px;margin:8px 0 0;padding:0;font-size:13px;color:var(--soft)}
.legend i{display:inline-block;width:11px;height:11px;border-radius:3px;margin-right:6px;background:var(--hue);vertical-align:-1px}
.scroll{overflow-x:auto}
table{border-collapse:collapse;font-size:13.5px;font-variant-numeric:tabular-nums;margin:8px 0}
caption{text-align:left;color:var(--soft);padding-bottom:4px}
th,td{padding:4px 14px 4px 0;text-align:right;border-bottom:1px solid var(--grid);white-space:nowrap}
th{font-weight:600}
thead th{color:var(--soft);font-weight:500;vertical-align:bottom}
th:first-child,td.text,th.text{text-align:left}
td.text{white-space:normal;overflow-wrap:anywhere}
details{margin:10px 0 2px}
summary{cursor:pointer;color:var(--soft);font-size:13px}
ol{margin:6px 0;padding-left:22px}
ul.plain{margin:6px 0;padding-left:18px}
footer{color:var(--soft);font-size:13px;margin-top:20px}
@media (max-width:760px){
  main{padding:18px 10px 32px}
  h1{font-size:22px}
  section{padding:14px 12px 12px;border-radius:8px}
  .figures{grid-template-columns:1fr 1fr}
  .figures div{padding:10px 12px}
  .figures .value{font-size:20px}
  .pair{grid-template-columns:minmax(0,1fr)}
}
@media print{
  @page{margin:14mm}
  *{print-color-adjust:exact;-webkit-print-color-adjust:exact}
  body{font-size:11pt}
  main{max-width:none;padding:0}
  section,figure,.figures{break-inside:avoid}
  section{border:none;padding:0}
  summary{display:none}
  details:not([open]){display:none}
}
`;
