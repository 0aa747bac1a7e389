import { segmentsOf, type PluginRoute } from '../plugin/route';
import { decodeSegment } from './target';

/**
 * What stands in the places of a route's names, where somebody else's router has found the route for a request, and may serve it below
 * a prefix: the path has to end as the route does.
 * @param path of the request, without the query
 * @returns in order; undefined where it does not end so
 */
export function valuesAtEnd(route: Pick<PluginRoute, 'path'>, path: string): string[] | undefined {
  const segments = segmentsOf(route.path);
  const parts = path.slice(1).split('/').map(decodeSegment);
  for (let start = 0; start + segments.length <= parts.length; start++) {
    const values = valuesOf(segments, parts.slice(start));
    if (values !== undefined) return values;
  }
  return undefined;
}

function valuesOf(segments: ReturnType<typeof segmentsOf>, parts: readonly string[]): string[] | undefined {
  const values: string[] = [];
  for (const [place, segment] of segments.entries()) {
    const part = parts[place]!;
    if ('text' in segment) {
      if (segment.text !== part) return undefined;
    } else if (segment.rest) {
      return [...values, parts.slice(place).join('/')];
    } else {
      if (part === '') return undefined;
      values.push(part);
    }
  }
  return parts.length === segments.length ? values : undefined;
}
