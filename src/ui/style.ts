/** The one stylesheet of the pages, in the colours of the cards that notebooks show. */

/** The stylesheet's text; light or dark as the browser is. */
export const STYLE = `
:root { color-scheme: light dark; }
.batchframe {
  --bf-accent: #3d7ae0; --bf-good: #2c8a4c; --bf-bad: #d64c3f; --bf-line: rgba(127, 127, 127, 0.3);
  font: 14px/1.5 system-ui, sans-serif; max-width: 76rem; margin: 1rem auto 4rem; padding: 0 1rem;
}
a { color: light-dark(#1f5cc0, #8db4f5); text-decoration: none; }
a:hover, a:focus-visible { text-decoration: underline; }
h1 { font-size: 1.35rem; margin: 0.2rem 0 0.8rem; overflow-wrap: anywhere; }
h2 { font-size: 1.05rem; margin: 1.8rem 0 0.4rem; }
h3 { font-size: 0.95rem; margin: 1rem 0 0.2rem; }
nav { min-height: 1.5em; }
table { border-collapse: collapse; margin: 4px 0; }
th, td { padding: 2px 12px 2px 0; vertical-align: top; }
th { font-weight: 600; }
.bf-facts th { font-weight: 400; opacity: 0.7; }
.bf-wide { overflow-x: auto; }
.bf-rows th, .bf-rows td { padding: 3px 10px; border-bottom: 1px solid var(--bf-line); }
.bf-rows td, .bf-facts td { white-space: pre-wrap; overflow-wrap: anywhere; unicode-bidi: isolate; }
.bf-rows .bf-text { min-width: 6em; }
.bf-num { font-variant-numeric: tabular-nums; }
.bf-dim { opacity: 0.7; }
.bf-good { color: var(--bf-good); }
.bf-bad { color: light-dark(#b8392d, #f08a80); }
pre {
  white-space: pre-wrap; overflow-wrap: anywhere; unicode-bidi: isolate; margin: 4px 0; padding: 8px 10px;
  border: 1px solid var(--bf-line); border-radius: 4px; font: 13px/1.45 ui-monospace, monospace;
  max-height: 40em; overflow-y: auto;
}
svg { display: block; max-width: 100%; }
.bf-bar, .bf-ok { fill: var(--bf-accent); }
.bf-cached { fill: var(--bf-good); }
.bf-skipped { fill: #8a8f98; }
.bf-failed, .bf-bar-bad { fill: var(--bf-bad); }
.bf-pending, .bf-track { fill: rgba(127, 127, 127, 0.22); }
.bf-whole { height: 18px; width: 100%; border-radius: 4px; }
.bf-key { display: inline-block; vertical-align: -1px; width: 11px; height: 11px; margin-right: 6px; }
form { display: flex; flex-wrap: wrap; gap: 8px 14px; align-items: end; margin: 4px 0 12px; }
label { display: flex; flex-direction: column; font-size: 12px; }
input, select, button { font: inherit; padding: 3px 8px; }
input { min-width: 11em; }
`;
