// Findings as people read them.
import type { CheckReport, Finding, Place } from './report.js';

export function describeFinding(finding: Finding): string {
  const { check, kind, severity, message, place, other, count } = finding;
  const lines = [`vgpu: ${check}: ${severity === 'info' ? 'note: ' : ''}${kind}: ${message}`];
  if (place) lines.push(`    at ${describePlace(place)}`);
  if (other) lines.push(`    the other at ${describePlace(other)}`);
  if (count > 1) lines.push(`    ${count} times here`);
  return `${lines.join('\n')}\n`;
}

function describePlace(place: Place): string {
  const { kernel, function: name, block, thread, ptxLine, file, line, callerFile, callerLine } = place;
  const lines = [`PTX line ${ptxLine}`];
  if (file !== undefined) lines.unshift(`${callerFile === undefined ? '' : 'inlined '}${file}:${line}`);
  if (callerFile !== undefined) lines.unshift(`${callerFile}:${callerLine}`);
  const where = name === kernel ? kernel : `${name}, called by ${kernel}`;
  return `${where} (${lines.join(', ')}), block (${block.join(',')}), thread (${thread.join(',')})`;
}

export function describeReport(report: CheckReport): string {
  const { checks, findings, dropped, complete } = report;
  const errors = findings.filter(({ severity }) => severity === 'error').length;
  const notes = findings.length - errors;
  const parts = [count(errors, 'finding'), ...(notes > 0 ? [count(notes, 'note')] : [])];
  const lines = [`vgpu: checked for ${checks.join(', ')}: ${parts.join(', ')}`];
  if (dropped > 0) lines.push(`    and ${count(dropped, 'occurrence')} beyond --check-limit`);
  if (!complete) lines.push('    the program ended while a kernel ran: not everything was counted');
  return `${lines.join('\n')}\n`;
}

function count(number: number, what: string): string {
  return `${number === 0 ? 'no' : number} ${what}${number === 1 ? '' : 's'}`;
}
