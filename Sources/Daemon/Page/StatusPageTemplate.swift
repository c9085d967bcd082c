/// The template of the status page, in Mustache. Every `{{name}}` is escaped by ``EscapedHTML``; text that differs from moment to moment
/// stands between tags only, never in an attribute.
enum StatusPageTemplate {
    static let page = """
        {{% CONTENT_TYPE:\(EscapedHTML.name)}}<!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>{{headline.word}}: {{program}}</title>
        <style>{{{style}}}</style>
        </head>
        <body>
        <header class="{{headline.level}}">
        <p class="program"><strong>{{program}}</strong> {{version}} on {{host}} · {{time}} UTC · running for {{uptime}}</p>
        <p class="word">{{headline.word}}</p>
        <h1>{{headline.sentence}}</h1>
        <p>{{headline.advice}} <a href="/runbook/{{headline.section}}">Runbook: {{headline.title}}</a></p>
        {{#headline.quote}}<p class="quote">{{.}}</p>{{/headline.quote}}
        </header>
        <main>
        {{#hasMore}}
        <section>
        <h2>Also</h2>
        <ul class="findings">
        {{#more}}<li class="{{level}}"><span class="word">{{word}}</span> {{sentence}} {{advice}} <a href="/runbook/{{section}}">Runbook: {{title}}</a>
        {{#quote}}<span class="quote">{{.}}</span>{{/quote}}</li>
        {{/more}}</ul>
        </section>
        {{/hasMore}}
        <section>
        <h2>Now</h2>
        <dl class="figures">
        {{#figures}}<div><dt>{{name}}</dt><dd>{{value}}{{#note}} <small>{{.}}</small>{{/note}}</dd></div>
        {{/figures}}</dl>
        </section>
        <section>
        <h2>Queues, the last hour</h2>
        <div class="queues">
        {{#queues}}<article>
        <h3>{{name}}</h3>
        <p><b>{{ready}}</b> ready, {{consumers}}{{#change}}, {{.}}{{/change}}</p>
        {{#why}}<p>{{.}}</p>{{/why}}
        <svg role="img" viewBox="0 0 240 48" preserveAspectRatio="none"><title>{{curve.title}}</title><path d="M0 47.5H240"/>{{#curve.paths}}<path class="line" d="{{.}}"/>{{/curve.paths}}</svg>
        <p class="axis"><span>an hour ago</span><span>at most {{curve.highest}}</span><span>now</span></p>
        </article>
        {{/queues}}</div>
        </section>
        {{#hasLanes}}
        <section>
        <h2>What waits, and why</h2>
        <div class="table" tabindex="0" role="region" aria-label="What waits, and why"><table>
        <thead><tr><th scope="col">Lane</th><th scope="col">Jobs at once</th><th scope="col">Waiting for a slot</th><th scope="col">Unfinished in the ledger</th><th scope="col">Breaker</th><th scope="col">Pauses and limits</th></tr></thead>
        <tbody>
        {{#lanes}}<tr><th scope="row">{{name}}</th><td data-label="Jobs at once">{{running}} of {{limit}}</td><td data-label="Waiting for a slot">{{waiting}}</td><td data-label="Unfinished in the ledger">{{unfinished}}</td><td data-label="Breaker">{{breaker}}</td><td data-label="Pauses and limits">{{#pauses}}<p>{{.}}</p>{{/pauses}}{{^pauses}}none{{/pauses}}</td></tr>
        {{/lanes}}</tbody></table></div>
        </section>
        {{/hasLanes}}
        <section>
        <h2>The last {{recent.span}}</h2>
        <div class="table" tabindex="0" role="region" aria-label="Work of the last minutes"><table>
        <thead><tr><th scope="col">What</th><th scope="col">Results</th><th scope="col">Half within</th><th scope="col">99 % within</th></tr></thead>
        <tbody>
        {{#recent.rows}}<tr><th scope="row">{{name}}</th><td>{{results}}</td><td data-label="Half within">{{half}}</td><td data-label="99 % within">{{most}}</td></tr>
        {{/recent.rows}}</tbody></table></div>
        </section>
        <section>
        <h2>Connections{{#hasToken}} and token{{/hasToken}}</h2>
        <div class="table" tabindex="0" role="region" aria-label="Connections and token"><table>
        <thead><tr><th scope="col">What</th><th scope="col">State</th><th scope="col">Details</th></tr></thead>
        <tbody>
        {{#connections}}<tr><th scope="row">{{name}}</th><td class="{{level}}">{{state}}</td><td>{{details}}</td></tr>
        {{/connections}}</tbody></table></div>
        </section>
        <section>
        <h2>Jobs in the ledger</h2>
        <div class="table" tabindex="0" role="region" aria-label="Jobs in the ledger"><table>
        <thead><tr><th scope="col">Kind</th><th scope="col">States</th></tr></thead>
        <tbody>
        {{#jobs}}<tr><th scope="row">{{kind}}</th><td>{{states}}</td></tr>
        {{/jobs}}{{^jobs}}<tr><td colspan="2">none yet</td></tr>{{/jobs}}</tbody></table></div>
        </section>
        <section>
        <h2>Notable events</h2>
        <div class="table" tabindex="0" role="region" aria-label="Notable events"><table>
        <thead><tr><th scope="col">Time (UTC)</th><th scope="col">Level</th><th scope="col">What</th><th scope="col">Times</th></tr></thead>
        <tbody>
        {{#events}}<tr><td class="time">{{time}}</td><td class="{{color}}">{{severity}}</td><td>{{text}}</td><td data-label="Times">{{count}}</td></tr>
        {{/events}}{{^events}}<tr><td colspan="4">none yet</td></tr>{{/events}}</tbody></table></div>
        </section>
        </main>
        <footer><p>This page reads only, and is read again every {{refresh}} seconds: <a href="/still">stop that</a>, <a href="/">go on</a>. For programs:
        <a href="/api/status">/api/status</a>, <a href="/metrics">/metrics</a>, <a href="/readyz">/readyz</a>. <a href="/runbook/at-three-in-the-morning">Runbook</a></p></footer>
        </body>
        </html>

        """

    /// One section of the runbook, as it is written.
    static let runbook = """
        {{% CONTENT_TYPE:\(EscapedHTML.name)}}<!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>Runbook: {{title}}</title>
        <style>{{{style}}}</style>
        </head>
        <body>
        <header class="good"><p class="program"><a href="/">Back to the status page</a></p><h1>{{title}}</h1><p>{{origin}}</p></header>
        <main>{{#hasText}}<section><h2>What operating.md says</h2><div class="table" tabindex="0" role="region" aria-label="The section"><pre>{{text}}</pre></div></section>{{/hasText}}
        <section><h2>All sections</h2><ul>{{#sections}}<li><a href="/runbook/{{slug}}">{{name}}</a></li>{{/sections}}</ul></section></main>
        </body>
        </html>

        """

    /// The style of both pages. The pages' Content-Security-Policy names its hash.
    static let style = """
        :root{--text:#1b1f24;--page:#f6f7f9;--card:#fff;--line:#6b7480;--edge:#d3d8de;--link:#0b57c2;--good:#0d5c2b;--good-page:#e3f4e8;\
        --attention:#6b4200;--attention-page:#fff2d6;--stopped:#8f1414;--stopped-page:#fde7e7}
        @media (prefers-color-scheme:dark){:root{--text:#e8ebef;--page:#14171b;--card:#1d2126;--line:#98a2ae;--edge:#3a424b;--link:#8ab8ff;\
        --good:#8fdba8;--good-page:#12301d;--attention:#f2c772;--attention-page:#332509;--stopped:#ffb0ab;--stopped-page:#421414}}
        *{box-sizing:border-box}
        body{margin:0;background:var(--page);color:var(--text);font:16px/1.45 system-ui,sans-serif}
        header,main,footer{padding:1rem max(1rem,calc((100vw - 70rem)/2))}
        header{border-bottom:4px solid}
        header.good{background:var(--good-page);border-color:var(--good)}
        header.attention{background:var(--attention-page);border-color:var(--attention)}
        header.stopped{background:var(--stopped-page);border-color:var(--stopped)}
        header p,header h1{margin:.3rem 0}
        .program{font-size:.9rem}
        h1{font-size:1.55rem;line-height:1.25}
        h2{font-size:1.1rem;margin:1.4rem 0 .5rem}
        h3{font-size:1rem;margin:0;overflow-wrap:anywhere}
        a{color:var(--link)}
        a:focus-visible,.table:focus-visible{outline:3px solid var(--link);outline-offset:2px}
        .word{font-weight:700;letter-spacing:.04em;text-transform:uppercase}
        .good>.word,td.good{color:var(--good)}
        .attention>.word,td.attention{color:var(--attention)}
        .stopped>.word,td.stopped{color:var(--stopped)}
        .quote{display:block;font:.85rem/1.4 ui-monospace,monospace;overflow-wrap:anywhere}
        .findings{list-style:none;margin:0;padding:0}
        .findings li{background:var(--card);border:1px solid var(--edge);border-left:4px solid var(--attention);padding:.5rem .8rem;margin:.4rem 0}
        .findings li.stopped{border-left-color:var(--stopped)}
        .figures,.queues{display:grid;gap:.6rem;margin:0}
        .figures{grid-template-columns:repeat(auto-fill,minmax(10rem,1fr))}
        .queues{grid-template-columns:repeat(auto-fill,minmax(17rem,1fr))}
        .figures>div,article{background:var(--card);border:1px solid var(--edge);border-radius:6px;padding:.6rem .8rem;min-width:0}
        dt{font-size:.85rem}
        dd{margin:0;font-size:1.25rem;font-weight:600;overflow-wrap:anywhere}
        small{display:block;font-size:.85rem;font-weight:400;line-height:1.35}
        article{display:flex;flex-direction:column}
        article p{margin:.2rem 0}
        svg{width:100%;height:4rem;margin-top:auto;padding-top:.4rem}
        path{fill:none;stroke:var(--edge);vector-effect:non-scaling-stroke}
        path.line{stroke:var(--link);stroke-width:2}
        .axis{display:flex;justify-content:space-between;font-size:.8rem}
        .table{overflow-x:auto;background:var(--card);border:1px solid var(--edge);border-radius:6px}
        table{border-collapse:collapse;width:100%}
        th,td{text-align:left;vertical-align:top;padding:.35rem .7rem;border-bottom:1px solid var(--edge)}
        tr:last-child>th,tr:last-child>td{border-bottom:0}
        thead tr:last-child>th{border-bottom:1px solid var(--edge)}
        td{overflow-wrap:anywhere;min-width:6rem}
        td p{margin:0 0 .3rem}
        .time{white-space:nowrap}
        pre{margin:0;padding:.8rem;white-space:pre-wrap;overflow-wrap:anywhere}
        @media (max-width:45rem){table,tbody,tr,th,td{display:block}thead{display:none}tr{padding:.35rem 0;border-bottom:1px solid var(--edge)}\
        tr:last-child{border-bottom:0}th,td{border:0;padding:.1rem .7rem}td[data-label]::before{content:attr(data-label) ": ";font-size:.85rem}}
        """
}
