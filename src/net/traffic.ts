/** What a server moved, in calls and in bytes of its connections. */
export interface Traffic {
  calls: number;
  received: number;
  sent: number;
}

export function noTraffic(): Traffic {
  return { calls: 0, received: 0, sent: 0 };
}
