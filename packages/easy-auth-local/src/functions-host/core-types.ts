/*
 * Types of "@azure/functions-core", the module that the Node worker hands to an app and that npm does not have, as far as
 * this host needs them. Read from its one user, @azure/functions 4.16.5 (node_modules/@azure/functions/src).
 */

export type LogLevel = "trace" | "debug" | "information" | "warning" | "error" | "critical";
export type LogCategory = "user" | "system";
export type LogHandler = (level: LogLevel, category: LogCategory, message: string) => void;

/** Wrapped value: protobuf has no null of its own. */
export interface Nullable<T> {
  readonly value: T;
}

export interface RpcHttpRequest {
  readonly url: string;
  readonly method: string;
  readonly nullableHeaders: Record<string, Nullable<string>>;
  readonly nullableQuery: Record<string, Nullable<string>>;
  readonly nullableParams: Record<string, Nullable<string>>;
  readonly body?: { readonly bytes: Uint8Array };
}

/** Value of the binding data: text, or JSON. */
export type RpcTypedData = { readonly string: string } | { readonly json: string };

export interface RpcCookie {
  readonly name: string;
  readonly value: string;
  readonly domain?: Nullable<string> | undefined;
  readonly path?: Nullable<string> | undefined;
  readonly expires?: Nullable<{ readonly seconds: number }> | undefined;
  readonly maxAge?: Nullable<number> | undefined;
  readonly secure?: Nullable<boolean> | undefined;
  readonly httpOnly?: Nullable<boolean> | undefined;
  readonly sameSite: "none" | "lax" | "strict" | "explicitNone";
}

export interface RpcHttpResponse {
  readonly statusCode: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly cookies: readonly RpcCookie[];
  readonly body?: { readonly bytes?: Uint8Array } | null | undefined;
  readonly enableContentNegotiation?: boolean;
}

export interface RpcTraceContext {
  readonly traceParent: string;
  readonly traceState: string;
}

export interface Binding {
  readonly type: string;
  readonly methods?: readonly string[];
  readonly route?: string;
}

export interface FunctionMetadata {
  readonly name: string;
  readonly bindings: Readonly<Record<string, Binding>>;
}

export type FunctionHandler = (...inputsAndContext: unknown[]) => unknown;

/** Hook of an app. It gets one object; the host reads back what the hook writes there (`inputs`, `result`, `message`, …). */
export type HookCallback = (context: object) => unknown;

export interface CoreInvocationContext {
  readonly invocationId: string;
  readonly request: {
    readonly invocationId: string;
    readonly traceContext: RpcTraceContext;
    /** Source of headers and parameters with HTTP streaming, where the library ignores `http`. */
    readonly triggerMetadata?: Readonly<Record<string, RpcTypedData>> | undefined;
    readonly inputData: readonly { readonly name: string; readonly data: { readonly http: Partial<RpcHttpRequest> } }[];
  };
  readonly metadata: FunctionMetadata;
  /** Phase of the invocation: the library warns of a log call after the end of a function, except in its hooks. */
  state: "preInvocationHooks" | "invocation" | "postInvocationHooks" | undefined;
  readonly log: LogHandler;
}

export interface InvocationModel {
  getArguments(): Promise<{ readonly context: unknown; readonly inputs: unknown[] }>;
  invokeFunction(context: unknown, inputs: unknown[], handler: FunctionHandler): Promise<unknown>;
  getResponse(
    context: unknown,
    result: unknown,
  ): Promise<{ readonly returnValue?: { readonly http?: RpcHttpResponse } | null }>;
}

export interface ProgrammingModel {
  readonly name: string;
  readonly version: string;
  getCapabilities(workerCapabilities: Record<string, string>): Promise<Record<string, string>>;
  getInvocationModel(context: CoreInvocationContext): InvocationModel;
}
