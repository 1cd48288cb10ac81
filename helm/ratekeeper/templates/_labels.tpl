{{/* Labels. Those of the selector can never change while a release lives, so nothing of a version is among them. */}}

{{- define "ratekeeper.selectorLabels" -}}
app.kubernetes.io/name: {{ include "ratekeeper.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: server
{{- end -}}

{{/* What objects carry beside the name of their component. Takes the root and a component. */}}
{{- define "ratekeeper.labelsOf" -}}
{{- $root := .root -}}
{{- $own := dict
  "helm.sh/chart" (include "ratekeeper.chart" $root)
  "app.kubernetes.io/name" (include "ratekeeper.name" $root)
  "app.kubernetes.io/instance" $root.Release.Name
  "app.kubernetes.io/component" .component
  "app.kubernetes.io/version" (default $root.Chart.AppVersion $root.Values.image.tag | toString | replace "+" "_" | trunc 63)
  "app.kubernetes.io/managed-by" $root.Release.Service
  "app.kubernetes.io/part-of" (include "ratekeeper.name" $root) -}}
{{- toYaml (merge $own $root.Values.commonLabels) -}}
{{- end -}}

{{- define "ratekeeper.labels" -}}
{{- include "ratekeeper.labelsOf" (dict "root" . "component" "server") -}}
{{- end -}}

{{/* The annotations of an object: its own above the common ones. Takes the root and its own. */}}
{{- define "ratekeeper.annotations" -}}
{{- with merge (deepCopy (default dict .own)) .root.Values.commonAnnotations -}}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end -}}
{{- end -}}

{{/* name, namespace, labels and annotations. Takes the root; beside it what differs: suffix, namespace, component, labels, annotations. */}}
{{- define "ratekeeper.metadata" -}}
name: {{ include "ratekeeper.fullname" .root }}{{ default "" .suffix }}
namespace: {{ default (include "ratekeeper.namespace" .root) .namespace }}
labels:
  {{- $labels := include "ratekeeper.labelsOf" (dict "root" .root "component" (default "server" .component)) | fromYaml }}
  {{- toYaml (merge $labels (default dict .labels)) | nindent 2 }}
{{- with include "ratekeeper.annotations" (dict "root" .root "own" .annotations) }}
{{ . }}
{{- end }}
{{- end -}}

{{/* What tells the pod of `helm test` from the server's, so that no Service leads to it. */}}
{{- define "ratekeeper.test.selectorLabels" -}}
app.kubernetes.io/name: {{ include "ratekeeper.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: test
{{- end -}}
