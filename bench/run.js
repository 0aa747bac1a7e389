/* npm run bench */
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { bench } = require('./bench');
const { readOptions, USAGE } = require('./options');
const { sectionText, goalsText } = require('./report/text');
const { outcomeMarkdown, replaceBetweenMarkers } = require('./report/markdown');
const { drawCharts } = require('./report/charts');

/** One line that changes, on a terminal; a line each, elsewhere. */
function progress(what) {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${what}`);
  else process.stderr.write(`${what}\n`);
}

function clearProgress() {
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
}

function write(outcome, folder) {
  const charts = drawCharts(outcome.sections);
  const files = [...charts.values()].map(({ file, svg }) => ({ file: path.join(folder, file), svg }));
  for (const { file, svg } of files) fs.writeFileSync(file, svg);
  const page = path.join(folder, 'benchmarks.md');
  replaceBetweenMarkers(page, outcomeMarkdown(outcome, charts));
  return [...files.map(({ file }) => file), page];
}

async function main() {
  let options;
  try {
    options = readOptions(process.argv.slice(2));
  } catch (error) {
    console.error(`${error.message}\n\n${USAGE}`);
    process.exitCode = 2;
    return;
  }
  if (options === undefined) return;
  const onSection = (section) => {
    clearProgress();
    console.log(sectionText(section));
  };
  const outcome = await bench({ ...options, progress, onSection });
  clearProgress();
  console.log(goalsText(outcome.goals));
  const { cpu, cores, kernel, node, loadBefore } = outcome.machine;
  console.log(`\n${cpu}, ${cores} cores, ${kernel}, Node ${node}, load average before ${loadBefore}; load by ${outcome.generator}; ${outcome.duration}`);
  if (options.json !== undefined) fs.writeFileSync(options.json, JSON.stringify(outcome, undefined, 2));
  if (options.write !== undefined) console.log(`written: ${write(outcome, options.write).join(', ')}`);
}

main().catch((error) => {
  clearProgress();
  console.error(`the bench ended: ${error.message}`);
  process.exitCode = 1;
});
