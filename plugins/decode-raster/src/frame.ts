/** The picture as the header of a file describes it. */
export interface Frame {
  readonly width: number;
  readonly height: number;
  readonly colors: "grey" | "rgb";
  readonly alpha: boolean;
  readonly palette: boolean;
  /** Where the header ends. */
  readonly start: number;
}
