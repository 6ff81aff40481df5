/** What the header of a file says of its picture. */
export interface Frame {
  readonly width: number;
  readonly height: number;
  readonly colors: "grey" | "rgb";
  readonly alpha: boolean;
  readonly palette: boolean;
  /** Where the header ends. */
  readonly start: number;
}
