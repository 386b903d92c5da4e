// The look of the page: follows the reader's colour scheme, and fits on a phone.
export const PAGE_STYLE = `
:root { color-scheme: light dark; --paper: #fff; --ink: #1b1d21; --faint: #565c66; --line: #d5d8de;
  --bar: #2a6fbb; --bar-rest: #b9d0ea; --heat-color: 224 110 20; --warning: #8a3b00; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #15171b; --ink: #e7e9ed; --faint: #a5acb8; --line: #353a43;
    --bar: #6ea8ea; --bar-rest: #2c425c; --heat-color: 235 130 50; --warning: #ffb074; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 70rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.4rem; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; overflow-wrap: anywhere; }
h3 { font-size: 1rem; margin-bottom: .25rem; }
code { font-family: ui-monospace, monospace; }
.warning { color: var(--warning); font-weight: bold; }
.chart { list-style: none; margin: 0; padding: 0; }
.chart li { margin: .5rem 0; }
.label { font-weight: 600; overflow-wrap: anywhere; }
.value { color: var(--faint); font-variant-numeric: tabular-nums; }
.bar { display: block; width: 100%; height: .6rem; }
.bar .whole { fill: var(--bar-rest); }
.bar .part { fill: var(--bar); }
.kernel { border-top: 1px solid var(--line); padding: .5rem 0; }
.kernel summary { cursor: pointer; }
.kernel summary h2 { display: inline; }
.facts { display: flex; flex-wrap: wrap; gap: .5rem 2rem; margin: .75rem 0; }
.facts dt { color: var(--faint); font-size: .85rem; }
.facts dd { margin: 0; font-variant-numeric: tabular-nums; }
.scroll { overflow-x: auto; border: 1px solid var(--line); }
table { border-collapse: collapse; width: 100%; font-size: .85rem; }
th, td { text-align: left; padding: .1rem .6rem; white-space: nowrap; }
td:nth-child(-n + 3), th:nth-child(-n + 3) { text-align: right; font-variant-numeric: tabular-nums; }
tbody tr { background: rgb(var(--heat-color) / calc(var(--heat) * .4)); }
`;
