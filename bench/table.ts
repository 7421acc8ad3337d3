import type { LoadResult } from "./load.ts";

/** What is asked of each server. */
export interface Work {
  readonly title: string;
  /** What is compared: calls a second, megabytes a second, or how long all of it took. */
  readonly unit: "calls/s" | "MB/s" | "s";
  /** How many times better than the other server it is meant to be: of all works of a bench, or of none. */
  readonly wanted?: number;
}

/** What one server did in one work: each figure is the median of its rounds. */
export interface Measured {
  readonly server: string;
  /** In the work's unit. */
  readonly figure: number;
  readonly cpuUsPerCall: number;
  /** Share of the time that the load was busy: near 1, it was the load that was measured. */
  readonly loadBusy: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly errors: number;
  readonly added: number;
}

export function measured(server: string, work: Work, rounds: readonly LoadResult[]): Measured {
  const of = (value: (round: LoadResult) => number): number => median(rounds.map(value));
  const sum = (value: (round: LoadResult) => number): number =>
    rounds.reduce((all, round) => all + value(round), 0);
  return {
    server,
    figure: of((round) => figureOf(work, round)),
    cpuUsPerCall: of(({ serverCpu, calls }) => (serverCpu * 1e6) / calls),
    loadBusy: of(({ loadCpu, seconds }) => loadCpu / seconds),
    p50Us: of(({ p50Us }) => p50Us),
    p99Us: of(({ p99Us }) => p99Us),
    errors: sum(({ errors }) => errors),
    added: sum(({ added }) => added),
  };
}

function figureOf({ unit }: Work, { calls, bytes, seconds }: LoadResult): number {
  if (unit === "s") return seconds;
  return (unit === "MB/s" ? bytes / 1e6 : calls) / seconds;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** How many times better: more a second, or in less time. */
function ratio({ unit }: Work, ours: Measured, theirs: Measured): number {
  return unit === "s" ? theirs.figure / ours.figure : ours.figure / theirs.figure;
}

export interface Row {
  readonly work: Work;
  readonly servers: readonly Measured[];
}

/** `peer`: the server that the others are compared with. */
export function renderRows(rows: readonly Row[], peer: string): string {
  const names = rows[0]?.servers.map(({ server }) => server) ?? [];
  const ours = names.filter((name) => name !== peer && names.includes(peer));
  const head = [
    "work",
    "unit",
    ...names,
    ...ours.map((name) => `${name}:${peer}`),
    ...(rows.some(({ work }) => work.wanted !== undefined) ? ["wanted"] : []),
    ...names.map((name) => `CPU µs ${name}`),
    ...ours.map((name) => `CPU ${name}:${peer}`),
    "load busy",
    "errors",
  ];
  return renderTable([head, ...rows.map((row) => cellsOf(row, peer))]);
}

function cellsOf({ work, servers }: Row, peer: string): string[] {
  const theirs = servers.find(({ server }) => server === peer);
  const ours = servers.filter((server) => theirs !== undefined && server !== theirs);
  return [
    work.title,
    work.unit,
    ...servers.map(({ figure }) => (work.unit === "s" ? figure.toFixed(2) : count(figure))),
    ...ours.map((server) => (theirs ? `${ratio(work, server, theirs).toFixed(2)} x` : "")),
    ...(work.wanted === undefined ? [] : [`${work.wanted.toFixed(1)} x`]),
    ...servers.map(({ cpuUsPerCall }) => cpuUsPerCall.toFixed(1)),
    ...ours.map(({ cpuUsPerCall }) => cpuRatio(cpuUsPerCall, theirs)),
    servers.map(({ loadBusy }) => `${(loadBusy * 100).toFixed(0)}%`).join(" "),
    String(servers.reduce((all, { errors }) => all + errors, 0)),
  ];
}

function cpuRatio(ours: number, theirs: Measured | undefined): string {
  return theirs === undefined ? "" : `${(ours / theirs.cpuUsPerCall).toFixed(2)} x`;
}

function count(value: number): string {
  return Math.round(value).toLocaleString("en");
}

export function renderTable(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, at) =>
    Math.max(...rows.map((row) => row[at]?.length ?? 0)),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)))
      .join("  ");
  return `${rows.map(line).join("\n")}\n`;
}
