{{/* The pod beside its containers: labels, annotations, where it runs. */}}

{{/* Without helm.sh/chart, which would replace all pods whenever the chart changes. */}}
{{- define "ratekeeper.pod.labels" -}}
{{- $own := include "ratekeeper.labels" . | fromYaml -}}
{{- $own = omit $own "helm.sh/chart" "app.kubernetes.io/managed-by" -}}
{{- toYaml (merge $own .Values.podLabels) -}}
{{- end -}}

{{/* A change of settings replaces the pods, as they are read at the start; a change of rules does not. */}}
{{- define "ratekeeper.pod.annotations" -}}
{{- $own := dict
  "checksum/settings" (include "ratekeeper.settings" . | sha256sum)
  "kubectl.kubernetes.io/default-container" "ratekeeper" -}}
{{- toYaml (merge $own .Values.podAnnotations .Values.commonAnnotations) -}}
{{- end -}}

{{- define "ratekeeper.pod.placement" -}}
{{- range $name := list "nodeSelector" "affinity" "tolerations" "priorityClassName" "schedulerName" "runtimeClassName" "dnsPolicy" "dnsConfig" "hostAliases" }}
{{- with get $.Values $name }}
{{ $name }}:
  {{- if kindIs "string" . }} {{ . | quote }}
  {{- else }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
{{- end }}
{{- if .Values.topologySpread.enabled }}
topologySpreadConstraints:
  {{- include "ratekeeper.pod.spread" . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Only pods of one ReplicaSet are compared, or a rollout would spread new pods by where the old ones are. */}}
{{- define "ratekeeper.pod.spread" -}}
{{- $selector := dict "matchLabels" (include "ratekeeper.selectorLabels" . | fromYaml) -}}
{{- $usual := list -}}
{{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" -}}
{{- $usual = append $usual (dict "maxSkew" 1 "topologyKey" . "whenUnsatisfiable" "ScheduleAnyway") -}}
{{- end -}}
{{- $constraints := list -}}
{{- range default $usual .Values.topologySpread.constraints -}}
{{- $defaults := dict "labelSelector" $selector -}}
{{- if semverCompare ">=1.27-0" $.Capabilities.KubeVersion.Version -}}
{{- $_ := set $defaults "matchLabelKeys" (list "pod-template-hash") -}}
{{- end -}}
{{- $constraints = append $constraints (hasKey . "labelSelector" | ternary . (merge (deepCopy .) $defaults)) -}}
{{- end -}}
{{- toYaml $constraints -}}
{{- end -}}
